import { join } from "node:path";
import { type PartName, partNames, type StackInfo } from "./info.ts";
import { freePort } from "./ports.ts";
import { writePrivateJson } from "./private_json.ts";
import { SupervisedPart } from "./supervised_part.ts";

/** Parts that are what hosted runs, or as good as. */
const realParts: Readonly<Partial<Record<PartName, string>>> = {
  postgres: "PostgreSQL 17 with pgmq and pgTAP",
  data_api: "Auth and data API (@supabase/lite)",
  gateway: "edge functions on Deno",
};

const playedParts: Readonly<Partial<Record<PartName, string>>> = {
  realtime: "Realtime",
  mailbox: "mail catcher",
  providers: "Google, YouTube, Instagram, Facebook and TikTok",
};

const readyWithinMs = 60_000;
/** Together they stay below the three seconds a stop may take. */
const partPatienceMs = 1300;
const databasePatienceMs = 1600;

/** Runs the parts of one stack and keeps its `stack.json` true. */
export class Supervisor {
  readonly failed: { name: PartName; logFile: string }[] = [];
  #parts = new Map<PartName, SupervisedPart>();
  #base: StackInfo;
  #stackDir: string;
  #postgresEnv: Readonly<Record<string, string>>;
  #internalPorts = new Map<PartName, number>();
  #writing: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | null = null;

  constructor(
    stackDir: string,
    base: StackInfo,
    postgresEnv: Readonly<Record<string, string>>,
  ) {
    this.#stackDir = stackDir;
    this.#base = base;
    this.#postgresEnv = postgresEnv;
  }

  /** The stack as it is at this moment. */
  get info(): StackInfo {
    const running = [...this.#parts.values()].filter(({ pid }) => pid !== null);
    const labels = (of: Readonly<Partial<Record<PartName, string>>>) =>
      partNames.flatMap((name) => this.#parts.has(name) && of[name] ? [of[name]] : []);
    return {
      ...this.#base,
      parts: Object.fromEntries(
        running.map(({ name, pid, port }) => [name, { pid: pid ?? 0, port }]),
      ),
      real: [...this.#base.real, ...labels(realParts)],
      stand_ins: [...this.#base.stand_ins, ...labels(playedParts)],
    };
  }

  /** Starts parts side by side and waits until each serves or has used up its time. */
  async start(names: readonly PartName[]): Promise<void> {
    await Promise.all(names.map(async (name) => {
      if (this.#stopped) return;
      const part = new SupervisedPart({
        name,
        port: this.#portOf(name),
        env: this.#envOf(name),
        stackDir: this.#stackDir,
        onStart: () => this.#writeInfo(),
      });
      this.#parts.set(name, part);
      if (!await part.start(readyWithinMs)) this.failed.push({ name, logFile: part.logFile });
    }));
    await this.#writing;
  }

  /** Throws when a part without which nothing goes did not come up. */
  assertRuns(name: PartName): void {
    const failure = this.failed.find((part) => part.name === name);
    if (failure) throw new Error(`${name} did not start; ${failure.logFile} says why.`);
  }

  /** Stops what talks to the database first, then the database, and forgets the stack. */
  stop(): Promise<void> {
    return this.#stopped ??= this.#stopAll();
  }

  async #stopAll(): Promise<void> {
    const database = this.#parts.get("postgres");
    const others = [...this.#parts.values()].filter((part) => part !== database);
    await Promise.all(others.map((part) => part.stop(partPatienceMs)));
    await database?.stop(databasePatienceMs);
    await this.#writing;
    await Deno.remove(join(this.#stackDir, "stack.json")).catch(() => {});
  }

  #writeInfo(): void {
    this.#writing = this.#writing.then(() =>
      this.#stopped ? undefined : writePrivateJson(join(this.#stackDir, "stack.json"), this.info)
    );
  }

  #portOf(name: PartName): number {
    const outside: Partial<Record<PartName, string>> = {
      gateway: this.#base.api_url,
      mailbox: this.#base.mail_url,
      providers: this.#base.providers_url,
    };
    const url = outside[name];
    if (url) return Number(new URL(url).port);
    const port = this.#internalPorts.get(name) ?? freePort();
    this.#internalPorts.set(name, port);
    return port;
  }

  #envOf(name: PartName): Record<string, string> {
    const base = this.#base;
    return {
      STACK_NAME: base.name,
      STACK_DIR: this.#stackDir,
      STACK_API_URL: base.api_url,
      STACK_DB_URL: base.db_url,
      STACK_ADMIN_DB_URL: base.admin_db_url,
      STACK_API_DB_URL: base.api_db_url,
      STACK_PUBLISHABLE_KEY: base.publishable_key,
      STACK_SECRET_KEY: base.secret_key,
      STACK_JWT_SECRET: base.jwt_secret,
      STACK_AUTOMATION_KEY: base.automation_key,
      STACK_MAIL_URL: base.mail_url,
      STACK_PROVIDERS_URL: base.providers_url,
      ...(name === "postgres" ? this.#postgresEnv : {}),
      ...(name === "gateway"
        ? {
          STACK_DATA_API_URL: `http://127.0.0.1:${this.#portOf("data_api")}`,
          STACK_REALTIME_URL: `http://127.0.0.1:${this.#portOf("realtime")}`,
        }
        : {}),
    };
  }
}
