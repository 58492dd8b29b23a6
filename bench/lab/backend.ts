import type { Sql, TransactionSql } from "postgres";

/** One connection, and the process at its other end. */
export interface Backend {
  readonly sql: Sql;
  readonly pid: number;
}

/** What some work took, in milliseconds. */
export interface Cost {
  /** By the clock. */
  readonly ms: number;
  /** CPU time of the backend alone, which others at work do not change. */
  readonly cpuMs: number;
}

/** The backend of a pool of one connection. */
export async function backendOf(sql: Sql): Promise<Backend> {
  const [backend] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return { sql, pid: backend!.pid };
}

/** What work costs whose statements run in the backend with this process id. */
export async function costOf(pid: number, work: () => PromiseLike<unknown>): Promise<Cost> {
  const [busy, started] = [await busyMs(pid), performance.now()];
  await work();
  const ms = performance.now() - started;
  return { ms, cpuMs: await busyMs(pid) - busy };
}

/** Does work in a transaction and takes back what it did to the database; answers what it answered. */
export async function undone<T>(sql: Sql, work: (tx: TransactionSql) => Promise<T>): Promise<T> {
  const takenBack = new Error("taken back");
  let result: T | undefined;
  await sql.begin(async (tx) => {
    result = await work(tx);
    throw takenBack;
  }).catch((error: unknown) => {
    if (error !== takenBack) throw error;
  });
  return result!;
}

/** How long a process has been on a CPU; where nobody tells, the wall clock. */
async function busyMs(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/schedstat`).catch(() => null);
  return stat === null ? performance.now() : Number(stat.split(" ")[0]) / 1e6;
}
