import { dirname, join } from "node:path";
import { parseDatabaseUrl } from "../own_database/database_url.ts";
import {
  defaultStackName,
  type PartName,
  readStackFile,
  stackFile,
  type StackInfo,
  taskFor,
} from "./info.ts";
import { isLocked } from "./lock.ts";
import { repositoryRoot } from "./paths.ts";
import { freeApiPort } from "./ports.ts";
import { waitUntil } from "./process.ts";
import { resetStack, stopStack } from "./stop.ts";

export type { StackInfo } from "./info.ts";

/** How a stack of one's own is started. */
export interface StartStackOptions {
  /** A name of its own keeps its data apart; the default is made up. */
  readonly name?: string;
  /** API port; the default is a free one. */
  readonly port?: number;
  /** No fsync; true unless said. */
  readonly fast?: boolean;
  /** Whether to apply `supabase/seed.sql`; false unless said. */
  readonly seed?: boolean;
  readonly skipParts?: readonly PartName[];
  /** A database of one's own; the default is a server of the stack's own. */
  readonly dbUrl?: string;
  readonly standIns?: readonly string[];
}

/** A stack that the caller stops. */
export interface RunningStack extends StackInfo {
  /** Path of its `stack.json`, to hand on in STREAMVIBE_STACK. */
  readonly file: string;
  /** Stops it; with `remove` its data goes too, else it can be started again under its name. */
  stop(options?: { remove?: boolean }): Promise<void>;
}

/**
 * The running stack: the one STREAMVIBE_STACK names by the path of its `stack.json`, else the one
 * with this name. Throws one clear sentence when it does not run.
 */
export async function readStack(name: string = defaultStackName): Promise<StackInfo> {
  const path = Deno.env.get("STREAMVIBE_STACK") ?? await stackFile(name);
  const info = await readStackFile(path);
  if (!info || !await isLocked(dirname(path))) {
    const missed = info?.name ?? name;
    throw new Error(
      `The stack "${missed}" does not run; start it with \`${taskFor("start", missed)}\`.`,
    );
  }
  return info;
}

/** Starts a stack in a process of its own and waits until every part of it serves. */
export async function startStack(options: StartStackOptions = {}): Promise<RunningStack> {
  const name = options.name ?? `test-${crypto.randomUUID().slice(0, 8)}`;
  const port = options.port ?? freeApiPort();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-all",
      join(repositoryRoot, "local", "tasks", "start.ts"),
      "--child",
      `--name=${name}`,
      `--port=${port}`,
      ...flagsOf(options),
    ],
    cwd: repositoryRoot,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();

  const output = new OutputReader(child);
  let ended = false;
  child.status.then(() => ended = true);
  await waitUntil(() => ended || output.text.includes(" is up after "), 180_000);
  const file = await stackFile(name);
  const info = ended ? null : await readStackFile(file);
  if (!info) {
    if (!options.name) await resetStack(name);
    throw new Error(`The stack "${name}" did not start:\n${output.text.trim()}`);
  }

  return {
    ...info,
    file,
    stop: async ({ remove = false } = {}) => {
      await (remove
        ? resetStack(name, { dropFrom: databaseName(options.dbUrl) })
        : stopStack(name));
      await child.status;
      await child.stdin.close().catch(() => {});
      await output.done;
    },
  };
}

function flagsOf(options: StartStackOptions): string[] {
  return [
    ...(options.fast ?? true ? ["--fast"] : []),
    ...(options.seed ? [] : ["--no-seed"]),
    ...(options.dbUrl ? [`--db-url=${options.dbUrl}`] : []),
    ...(options.standIns ?? []).map((name) => `--stand-in=${name}`),
    ...(options.skipParts ?? []).map((part) => `--skip=${part}`),
  ];
}

function databaseName(dbUrl: string | undefined): string | undefined {
  return dbUrl && decodeURIComponent(parseDatabaseUrl(dbUrl).pathname.slice(1));
}

/** Collects what a process prints, to show it when the process fails. */
class OutputReader {
  text = "";
  readonly done: Promise<unknown>;

  constructor(child: Deno.ChildProcess) {
    this.done = Promise.all([this.#read(child.stdout), this.#read(child.stderr)]);
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.text += text;
  }
}
