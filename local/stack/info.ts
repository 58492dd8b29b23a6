import { join } from "node:path";
import { stackDirectory } from "./paths.ts";

/** The parts a stack supervises, in the order they are listed to people. */
export const partNames = [
  "postgres",
  "data_api",
  "realtime",
  "gateway",
  "scheduler",
  "mailbox",
  "providers",
] as const;

/** One supervised process of the stack. */
export type PartName = typeof partNames[number];

/** True for the name of a part. */
export function isPartName(name: string): name is PartName {
  return (partNames as readonly string[]).includes(name);
}

/** What `stack.json` holds: everything a client, a test or a tool needs to reach a running stack. */
export interface StackInfo {
  readonly name: string;
  /** Process id of the supervisor. */
  readonly pid: number;
  readonly started_at: string;
  readonly state_dir: string;
  readonly api_url: string;
  /** As role `postgres`: what migrations and edge functions use. */
  readonly db_url: string;
  /** As a superuser, which hosted projects never get: `supabase_admin`, or that of `--db-url`. */
  readonly admin_db_url: string;
  /** As role `supabase_lite`: Auth and data API. */
  readonly api_db_url: string;
  readonly mail_url: string;
  readonly providers_url: string;
  readonly publishable_key: string;
  readonly secret_key: string;
  readonly jwt_secret: string;
  readonly automation_key: string;
  readonly parts: Readonly<Partial<Record<PartName, { pid: number; port: number }>>>;
  /** Parts that are the real thing, and parts that only play it: printed in the banner. */
  readonly real: readonly string[];
  readonly stand_ins: readonly string[];
  /** Parts that cannot run on the database of `--db-url`, with what to do about it. */
  readonly left_out: Readonly<Partial<Record<PartName, string>>>;
}

/** The name of a stack nobody named. */
export const defaultStackName = "default";

/** How a task is called for this stack, to be said to people: without its name it is about another. */
export function taskFor(task: string, name: string): string {
  return `deno task ${task}${name === defaultStackName ? "" : ` --name=${name}`}`;
}

/** Path of a stack's `stack.json`. */
export async function stackFile(name: string): Promise<string> {
  return join(await stackDirectory(name), "stack.json");
}

/** Reads a `stack.json`; null when there is none or a crash left half a file. */
export async function readStackFile(path: string): Promise<StackInfo | null> {
  try {
    return JSON.parse(await Deno.readTextFile(path)) as StackInfo;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return null;
    throw error;
  }
}
