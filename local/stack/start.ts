import { join } from "node:path";
import { superuser } from "../postgres/cluster.ts";
import { databaseUrl } from "../postgres/connect.ts";
import { exists, installPostgres } from "../postgres/install.ts";
import { ensureCluster } from "../postgres/prepare.ts";
import { assertReachable } from "../postgres/unprivileged.ts";
import { type PartName, partNames, readStackFile, type StackInfo } from "./info.ts";
import { automationKey, localKeys } from "./keys.ts";
import { clearLeftovers } from "./leftovers.ts";
import { lockStack } from "./lock.ts";
import { stackDirectory } from "./paths.ts";
import { portsFrom, type StackPorts, takenPortSentence } from "./ports.ts";
import { partEntry } from "./supervised_part.ts";
import { prepareDatabase } from "./prepare_database.ts";
import { Supervisor } from "./supervisor.ts";

/** What may be chosen about a start. */
export interface StartOptions {
  readonly name: string;
  readonly port: number;
  /** No fsync: for stacks that are thrown away. */
  readonly fast: boolean;
  readonly seed: boolean;
  readonly skipParts: readonly PartName[];
  /** Gives up, and takes down again what already runs. */
  readonly signal?: AbortSignal;
  /** Told in words what is going on. */
  readonly tell: (line: string) => void;
}

/** A stack that this process keeps running. */
export interface SupervisedStack {
  readonly info: StackInfo;
  /** Parts that should run and do not; the supervisor goes on trying. */
  readonly failed: readonly { name: PartName; logFile: string }[];
  stop(): Promise<void>;
}

/** Parts that need the migrated database; the others start while it is being made ready. */
const needDatabase: readonly PartName[] = ["data_api", "realtime", "scheduler", "gateway"];

/** Brings a stack up. On failure nothing is left running. */
export async function startStackHere(options: StartOptions): Promise<SupervisedStack> {
  const stackDir = await stackDirectory(options.name);
  await Deno.mkdir(join(stackDir, "logs"), { recursive: true });
  await assertReachable(stackDir);
  const lock = await lockStack(stackDir);
  if (!lock) throw new Error(await alreadyRuns(options.name, stackDir));

  try {
    const supervisor = await makeSupervisor(options, stackDir);
    try {
      await unlessAborted(options.signal, bringUp(supervisor, options));
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
    const { info, failed } = supervisor;
    return {
      info,
      failed,
      stop: async () => {
        await supervisor.stop();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Everything before the first process: a clean place, free ports, binaries, a cluster. */
async function makeSupervisor(options: StartOptions, stackDir: string): Promise<Supervisor> {
  const ports = portsFrom(options.port);
  await clearLeftovers(stackDir);
  const taken = await takenPortSentence(ports);
  if (taken) throw new Error(taken);

  const installation = await installPostgres();
  await ensureCluster(installation, join(stackDir, "pgdata"), options);
  options.signal?.throwIfAborted();
  return new Supervisor(stackDir, await describe(options, ports, stackDir), {
    POSTGRES_ROOT: installation.root,
    POSTGRES_FAST: options.fast ? "1" : "0",
  }, installation.standIns);
}

async function bringUp(supervisor: Supervisor, options: StartOptions): Promise<void> {
  const wanted = await presentParts(options);
  const early = wanted.filter((name) => name !== "postgres" && !needDatabase.includes(name));
  const earlyParts = supervisor.start(early);
  await supervisor.start(["postgres"]);
  supervisor.assertRuns("postgres");
  await prepareDatabase(supervisor.info, options);
  await supervisor.start(wanted.filter((name) => needDatabase.includes(name)));
  await earlyParts;
}

/** Waits for some work, no longer than until somebody gives up. */
async function unlessAborted(signal: AbortSignal | undefined, work: Promise<void>): Promise<void> {
  signal?.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  await Promise.race([work, aborted]);
}

async function alreadyRuns(name: string, stackDir: string): Promise<string> {
  const info = await readStackFile(join(stackDir, "stack.json"));
  return info
    ? `The stack "${name}" already runs at ${info.api_url} (pid ${info.pid}); \`deno task stop\` ends it.`
    : `The stack "${name}" is just being started by another process.`;
}

async function describe(
  { name }: StartOptions,
  ports: StackPorts,
  stackDir: string,
): Promise<StackInfo> {
  const url = (port: number) => `http://127.0.0.1:${port}`;
  return {
    name,
    pid: Deno.pid,
    started_at: new Date().toISOString(),
    state_dir: stackDir,
    api_url: url(ports.api),
    db_url: databaseUrl(ports.db),
    admin_db_url: databaseUrl(ports.db, superuser),
    mail_url: url(ports.mail),
    providers_url: url(ports.providers),
    publishable_key: localKeys.publishable,
    secret_key: localKeys.secret,
    jwt_secret: localKeys.jwtSecret,
    automation_key: await automationKey(stackDir),
    parts: {},
    real: [],
    stand_ins: [],
  };
}

async function presentParts({ skipParts, tell }: StartOptions): Promise<PartName[]> {
  const present: PartName[] = [];
  for (const name of partNames) {
    if (skipParts.includes(name)) continue;
    if (await exists(partEntry(name))) present.push(name);
    else tell(`${name} is left out: ${partEntry(name)} does not exist.`);
  }
  return present;
}
