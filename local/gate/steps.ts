import type { RunningStack } from "../stack/client.ts";
import { checkAdvisors, checkMigrationList } from "./advisors.ts";
import { checkCollections } from "./collections.ts";
import { checkCommand, runDenoTests } from "./commands.ts";
import { checkLeaks } from "./leaks.ts";
import { withComplaints } from "./complaints.ts";
import { type Outcome, sum } from "./outcome.ts";
import { runPgTap } from "./pgtap.ts";
import { checkSnapshot } from "./snapshot.ts";
import { checkTypes } from "./types.ts";

/** A piece of a step, done on a stack that nothing else uses meanwhile. */
export interface Part {
  readonly step: string;
  /** What of the step it is; empty when it is all. */
  readonly name: string;
  readonly run: (stack: () => Promise<RunningStack>, filter: string) => Promise<Outcome>;
}

/** Where the project's code is, and with it its tests. */
export const codeFolders = ["local", "supabase/functions", "supabase/tests", "docs", "bench"];

/**
 * What of them is a part of its own, as it takes a minute or more. All parts are in the order in which
 * they begin: the longest first, so that no lane is left alone at the end.
 */
export const denoPaths = [
  "supabase/tests/async",
  "supabase/tests/e2e",
  "local",
  "supabase/tests",
  "supabase/functions",
  "local/own_database",
  "local/stack",
  "supabase/tests/chaos",
  "supabase/tests/e2e/platform_sync_test.ts",
  "local/realtime",
  "docs",
  "bench",
];

function whole(step: string, run: Part["run"]): Part {
  return { step, name: "", run };
}

function denoTests(name: string, path: string, leftOut: readonly string[] = []): Part {
  return {
    step: "deno",
    name,
    run: async (stack) => {
      const { file, state_dir } = await stack();
      return await withComplaints(
        state_dir,
        () => runDenoTests(path, leftOut, { STREAMVIBE_STACK: file }),
      );
    },
  };
}

function denoParts(filter: string): Part[] {
  if (filter) return [denoTests("", filter)];
  return denoPaths.map((path) =>
    denoTests(path, path, denoPaths.filter((other) => other.startsWith(`${path}/`)))
  );
}

/** What is done side by side, in the order in which it begins. */
export function parts(filter: string): Part[] {
  return [
    whole("format", () => checkCommand("fmt", "--check")),
    whole("lint", () => checkCommand("lint")),
    whole("check", () => checkCommand("check", ...codeFolders)),
    whole("snapshot", async (stack) => checkSnapshot((await stack()).db_url)),
    whole("types", async (stack) => checkTypes((await stack()).db_url)),
    whole("migrations", async (stack) => checkMigrationList((await stack()).db_url)),
    whole("pgtap", async (stack) => runPgTap((await stack()).db_url, filter)),
    whole("collections", async (stack) => {
      const { file, state_dir } = await stack();
      return await withComplaints(state_dir, () => checkCollections(file, filter));
    }),
    ...denoParts(filter),
  ];
}

/** What is done with the stacks that were used, after all that could have left something behind. */
export function closing(stacks: readonly (() => Promise<RunningStack>)[]): Part[] {
  return [
    whole("leaks", async () => {
      return sum(await Promise.all(stacks.map(async (stack) => checkLeaks(await stack()))));
    }),
    whole("advisors", async () => checkAdvisors((await stacks[0]!()).db_url)),
  ];
}

/** What the steps of the gate are called. */
export const stepNames: readonly string[] = [
  ...new Set([...parts(""), ...closing([])].map(({ step }) => step)),
];
