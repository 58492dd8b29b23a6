/** The plans PostgreSQL really ran, also of statements inside functions, as auto_explain reports them. */
import type { LargeQueue } from "./large_queue.ts";

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Join Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly Plans?: readonly PlanNode[];
}

/** The queue, the slim tables beside it that it is found by, and the log. */
const tables = [
  "job_queue",
  "job_waiting",
  "job_lease",
  "job_running",
  "job_active",
  "job_failure",
  "job_log",
];

/** How a call read the jobs, what stands beside them, and their log. */
export interface Reading {
  /** Names of the indexes on these tables that were read; of partitions, the parent's. */
  readonly indexes: ReadonlySet<string>;
  /** Rows of all of them that were looked at. */
  readonly rows: number;
  /** Rows of anything that were looked at, and pairs of them. */
  readonly steps: number;
}

function* nodesOf(node: PlanNode): Generator<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* nodesOf(child);
}

function rowsOf(node: PlanNode): number {
  const found = node["Actual Rows"] ?? 0;
  const refused = (node["Rows Removed by Filter"] ?? 0) +
    (node["Rows Removed by Index Recheck"] ?? 0);
  return (found + refused) * (node["Actual Loops"] ?? 1);
}

function pairsOf(node: PlanNode): number {
  return (node["Rows Removed by Join Filter"] ?? 0) * (node["Actual Loops"] ?? 1);
}

/** Runs a statement, after another one that is not watched; undoes what they did, and tells how it read. */
export async function readingOf(
  { admin, takeNotices }: LargeQueue,
  statement: string,
  before = "",
): Promise<Reading> {
  const parentOf = new Map(
    (await admin<{ child: string; parent: string }[]>`
      select child.relname as child, parent.relname as parent
      from pg_inherits
      join pg_class as child on child.oid = inhrelid
      join pg_class as parent on parent.oid = inhparent`).map((
      { child, parent },
    ) => [child, parent]),
  );
  await admin.unsafe(`
    load 'auto_explain';
    set auto_explain.log_level = notice;
    set auto_explain.log_nested_statements = on;
    set auto_explain.log_analyze = on;
    set auto_explain.log_timing = off;
    set auto_explain.log_format = json;
    begin;
    ${before};
    set auto_explain.log_min_duration = 0
  `).simple();
  takeNotices();
  let notices: string[];
  try {
    await admin.unsafe(statement);
  } finally {
    notices = takeNotices();
    await admin.unsafe("rollback; set auto_explain.log_min_duration = -1").simple();
  }

  const nodes = notices
    .filter((text) => text.includes("\n{"))
    .map((text) => JSON.parse(text.slice(text.indexOf("\n{"))) as { Plan: PlanNode })
    .flatMap(({ Plan }) => [...nodesOf(Plan)]);
  const tableOf = (name = "") => parentOf.get(name) ?? name;
  const ofJobs = nodes.filter((node) =>
    tables.includes(tableOf(node["Relation Name"])) &&
    node["Actual Loops"] !== 0
  );
  const indexes = nodes
    .filter((node) => node["Actual Loops"] !== 0)
    .flatMap((node) => node["Index Name"] ?? [])
    .map((name) => parentOf.get(name) ?? name);
  return {
    indexes: new Set(indexes.filter((name) => name.startsWith("job_"))),
    rows: ofJobs.reduce((sum, node) => sum + rowsOf(node), 0),
    steps: nodes.reduce((sum, node) => sum + rowsOf(node) + pairsOf(node), 0),
  };
}
