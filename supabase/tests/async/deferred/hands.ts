/** What can be done to jobs, step by step. */
import assert from "node:assert/strict";
import { createBeside } from "./beside.ts";
import type { Attempt } from "./ledger.ts";
import { ownerHands } from "./owner_hands.ts";
import type { DeferredRun } from "./run.ts";

/** Who does it, to how many, and to which. */
export interface Choice {
  readonly worker: string;
  readonly count: number;
  readonly which: number;
}

/** False: there was nothing to do it to. */
type Act = (run: DeferredRun, choice: Choice) => Promise<boolean>;

const workers = ["deferring 1", "deferring 2", "deferring 3"] as const;
const byHand = "by hand";
export const everyWorker: readonly string[] = [...workers, byHand];
export const workerAt = (n: number): string => workers[n % workers.length]!;

export const hands = {
  ...ownerHands,
  "create": async (run, { count }) => (await run.create(count)).length > 0,
  "create alone": async (run, { worker }) => {
    if (run.whose !== "users") await createBeside(run, worker);
    return run.whose !== "users";
  },
  "claim, deferring": async (run, { worker, count }) =>
    (await run.take(worker, count, true)).length > 0,
  "claim": async (run, { worker, count }) => (await run.take(worker, count, false)).length > 0,
  "complete": complete(() => null),
  "complete with results": complete((attempts) => attempts.map(({ token }) => ({ token }))),
  "progress": asHolder(({ sql }, { id, token }) =>
    sql`select public.update_job_progress(${id}, 50, null, ${token}) as answer`
  ),
  "checkpoint": asHolder(({ sql }, { id, token }) =>
    sql`select public.save_job_checkpoint(${id}, ${token}, '{"n": 1}') as answer`
  ),
  "fail": asHolder(
    ({ sql }, { id, token }) =>
      sql`select public.fail_job(${id}, 'no', p_fencing_token => ${token}) as answer`,
    "lets go",
  ),
  "yield": asHolder(
    ({ sql }, { id, token }) => sql`select public.yield_job(${id}, ${token}) as answer`,
    "lets go",
  ),
  "log": async ({ ledger, own: { sql } }, { which }) => {
    const [attempt] = ledger.attempts(which, 1);
    if (!attempt) return false;
    const [row] = await sql<{ is_written: boolean }[]>`
      select public.add_job_log(${attempt.id}, 'info', 'line', p_fencing_token => ${attempt.token})
        as is_written`;
    // Whose outcome stands may still write its last lines: who is refused is not foretold here.
    assert.ok(row!.is_written || !ledger.isHolder(attempt), "who holds a job may log");
    return true;
  },
  "heartbeat": async (run, { worker, which }) => {
    if (which % 2) await run.age(worker);
    await run.beat(worker);
    return true;
  },
  "lose a worker": async (run, { worker }) => await run.lose(worker) > 0,
  "cancel": withJob(async ({ ledger, own: { sql } }, id) => {
    await sql`select public.cancel_job(${id})`;
    ledger.end(id);
    return true;
  }),
  "retry": withJob(async ({ ledger, own: { sql } }, id) => {
    const [row] = await sql<{ outcome: string }[]>`select outcome from private.retry_jobs(${[
      id,
    ]}::uuid[], array[now()])`;
    if (row!.outcome === "retried") ledger.revive(id);
    return true;
  }),
  "move": withJob(async ({ own: { sql } }, id) => {
    await sql`update public.job_queue set job_priority = 4 where id = ${id}`;
    return true;
  }),
  "start by hand": withJob(async ({ ledger, own }, id) => {
    const [row] = await own.sql<{ started: boolean }[]>`
      select public.start_job(${id}, ${byHand}) as started`;
    if (!row!.started) return false;
    ledger.hold({ id, token: (await own.job(id)).fencing_token, worker: byHand });
    return true;
  }),
  "limit": async ({ jobType, own: { sql } }, { which }) => {
    const most = which % 2 ? 1_000 : null;
    await sql`update public.job_type set max_concurrency = ${most} where name = ${jobType}`;
    return true;
  },
  "pause": async ({ jobType, own: { sql } }, { which }) => {
    await sql`update public.job_type set is_paused = ${which % 4 === 0} where name = ${jobType}`;
    return true;
  },
  "rebuild": async ({ own: { sql } }) => {
    for (let isDone = false; !isDone;) {
      // A tick may be under way that locks the other way round.
      isDone = await sql`select private.rebuild_side_tables()`.then(() => true, (error) => {
        if (error.code === "40P01") return false;
        throw error;
      });
    }
    return true;
  },
} satisfies Record<string, Act>;

export type Hand = keyof typeof hands;

function complete(resultsOf: (attempts: Attempt[]) => unknown[] | null): Act {
  return async (run, { which, count }) => {
    const attempts = run.ledger.attempts(which, count);
    if (attempts.length > 0) await run.complete(attempts, resultsOf(attempts));
    return attempts.length > 0;
  };
}

/** A write that is taken from the holder of a job, and from nobody else. */
function asHolder(
  ask: (
    own: DeferredRun["own"],
    attempt: Attempt,
  ) => Promise<readonly Record<string, unknown>[]>,
  then: "holds on" | "lets go" = "holds on",
): Act {
  return async ({ ledger, own }, { which }) => {
    const [attempt] = ledger.attempts(which, 1);
    if (!attempt) return false;
    const isHolder = ledger.isHolder(attempt);
    const [row] = await ask(own, attempt);
    assert.equal(
      Boolean(row!.answer),
      isHolder,
      "what a job's attempt writes is its holder's alone",
    );
    if (isHolder && then === "lets go") ledger.release(attempt.id);
    return true;
  };
}

function withJob(act: (run: DeferredRun, id: string) => Promise<boolean>): Act {
  return async (run, { which }) => {
    const id = run.ledger.job(which);
    return id !== undefined && await act(run, id);
  };
}
