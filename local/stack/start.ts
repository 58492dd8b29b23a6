import { join } from "node:path";
import type { PlayableExtension } from "../own_database/extension_plan.ts";
import { exists } from "../postgres/install.ts";
import { assertReachable } from "../postgres/unprivileged.ts";
import { type StackDatabase, stackDatabase } from "./database.ts";
import { describeStack } from "./describe.ts";
import { type PartName, partNames, readStackFile, type StackInfo, taskFor } from "./info.ts";
import { clearLeftovers } from "./leftovers.ts";
import { lockStack } from "./lock.ts";
import { makePrivateFolder, stackDirectory } from "./paths.ts";
import { portsFrom, takenPortSentence } from "./ports.ts";
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
  /** Works on this database; without it, on a server of its own. */
  readonly dbUrl?: string;
  /** Extensions to play though the server of `dbUrl` has them. */
  readonly standIns?: readonly PlayableExtension[];
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
  await makePrivateFolder(join(stackDir, "logs"));
  await assertReachable(stackDir);
  const lock = await lockStack(stackDir);
  if (!lock) throw new Error(await alreadyRuns(options.name, stackDir));

  try {
    const { supervisor, database } = await makeSupervisor(options, stackDir);
    try {
      await unlessAborted(options.signal, bringUp(supervisor, database, options));
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
async function makeSupervisor(
  options: StartOptions,
  stackDir: string,
): Promise<{ supervisor: Supervisor; database: StackDatabase }> {
  const ports = portsFrom(options.port);
  await clearLeftovers(stackDir);
  const database = await stackDatabase(options, stackDir, ports.db);
  // The port of a database that is somebody's has to be taken.
  const { db, ...outside } = ports;
  const taken = await takenPortSentence(database.serverEnv ? { ...outside, db } : outside);
  if (taken) throw new Error(taken);
  options.signal?.throwIfAborted();
  const info = await describeStack(options.name, ports, database, stackDir);
  return { supervisor: new Supervisor(stackDir, info, database.serverEnv ?? {}), database };
}

async function bringUp(
  supervisor: Supervisor,
  database: StackDatabase,
  options: StartOptions,
): Promise<void> {
  const wanted = (await presentParts(options)).filter((name) =>
    !(name in database.leftOut) && (database.serverEnv || name !== "postgres")
  );
  const early = wanted.filter((name) => name !== "postgres" && !needDatabase.includes(name));
  const earlyParts = supervisor.start(early);
  if (database.serverEnv) {
    await supervisor.start(["postgres"]);
    supervisor.assertRuns("postgres");
  }
  await prepareDatabase(supervisor.info, database.own, options);
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
    ? `The stack "${name}" already runs at ${info.api_url} (pid ${info.pid}); \`${
      taskFor("stop", name)
    }\` ends it.`
    : `The stack "${name}" is just being started by another process.`;
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
