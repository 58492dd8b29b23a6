/**
 * What every part of the local stack shares: the environment the supervisor starts it with, how
 * it ends, and how it writes its log. A part is `local/<part>/main.ts`, one process.
 */
import type { LogLevel } from "./log_level.ts";

/** The environment of a part, with names as code reads them. */
export interface PartEnv {
  readonly stackName: string;
  /** State folder of this stack. */
  readonly stackDir: string;
  readonly apiUrl: string;
  readonly dbUrl: string;
  readonly adminDbUrl: string;
  readonly apiDbUrl: string;
  readonly publishableKey: string;
  readonly secretKey: string;
  readonly jwtSecret: string;
  readonly automationKey: string;
  readonly mailUrl: string;
  readonly providersUrl: string;
  /** The port this part listens on. */
  readonly port: number;
  /** Only the gateway gets these two. */
  readonly dataApiUrl: string | undefined;
  readonly realtimeUrl: string | undefined;
}

/** Reads the environment the supervisor gives to a part; a missing variable fails by its name. */
export function partEnv(read: (name: string) => string | undefined = Deno.env.get): PartEnv {
  const need = (name: string): string => {
    const value = read(name);
    if (!value) throw new Error(`${name} is not set; parts are started by \`deno task start\`.`);
    return value;
  };
  const port = Number(need("PART_PORT"));
  if (!Number.isInteger(port) || port < 1) throw new Error("PART_PORT is not a port number.");
  return {
    stackName: need("STACK_NAME"),
    stackDir: need("STACK_DIR"),
    apiUrl: need("STACK_API_URL"),
    dbUrl: need("STACK_DB_URL"),
    adminDbUrl: need("STACK_ADMIN_DB_URL"),
    apiDbUrl: need("STACK_API_DB_URL"),
    publishableKey: need("STACK_PUBLISHABLE_KEY"),
    secretKey: need("STACK_SECRET_KEY"),
    jwtSecret: need("STACK_JWT_SECRET"),
    automationKey: need("STACK_AUTOMATION_KEY"),
    mailUrl: need("STACK_MAIL_URL"),
    providersUrl: need("STACK_PROVIDERS_URL"),
    port,
    dataApiUrl: read("STACK_DATA_API_URL") || undefined,
    realtimeUrl: read("STACK_REALTIME_URL") || undefined,
  };
}

/** A part has this long to end by itself before it is ended. */
const longestGoodbyeMs = 2500;

/**
 * Ends this process when the supervisor says so (SIGTERM) or is gone (our standard input closes),
 * after `cleanUp`. Ctrl-C in a terminal reaches every process at once and is left to the
 * supervisor, which knows the right order.
 */
export function exitWithSupervisor(cleanUp: () => Promise<void> | void = () => {}): void {
  let leaving = false;
  const leave = async () => {
    if (leaving) return;
    leaving = true;
    setTimeout(() => Deno.exit(1), longestGoodbyeMs);
    try {
      await cleanUp();
      Deno.exit(0);
    } catch (error) {
      log("error", "could not end cleanly", { error: String(error) });
      Deno.exit(1);
    }
  };
  Deno.addSignalListener("SIGTERM", leave);
  Deno.addSignalListener("SIGINT", () => {});
  Deno.stdin.readable.pipeTo(new WritableStream()).then(leave, leave);
}

/** Writes one JSON line; the supervisor keeps it in `logs/<part>.log`. */
export function log(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }));
}
