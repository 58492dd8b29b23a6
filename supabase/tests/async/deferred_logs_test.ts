/** What pgTAP cannot show, having one session: a line of a job whose start is not written meets its end. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { DeferredRun } from "./deferred/run.ts";
import { holding, soon } from "./holding.ts";
import { type OwnJobs, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

interface Attempt {
  readonly id: string;
  readonly token: number;
}

/** What takes a job away from its worker. */
const ends: Record<string, (sql: postgres.Sql, attempt: Attempt) => Promise<unknown>> = {
  "a cancellation": (sql, { id }) => sql`select public.cancel_job(${id})`,
  "a lost lease": async (sql, { token }) => {
    await sql`
      update private.job_lease set check_at = now() - interval '1 second'
      where lease_id = ${token - 1e12}`;
    await sql`select private.recover_lost_jobs()`;
    await sql`
      update public.job_queue set lease_expires_at = now() - interval '1 second',
        slice_started_at = slice_started_at - interval '1 minute'
      where fencing_token = ${token} and status = 'processing'`;
    await sql`select private.recover_lost_jobs()`;
  },
};

async function log(sql: postgres.Sql, { id, token }: Attempt): Promise<boolean> {
  const [row] = await sql<{ is_written: boolean }[]>`
    select public.add_job_log(${id}, 'info', 'line', p_fencing_token => ${token}) as is_written`;
  return row!.is_written;
}

const linesOf = async ({ sql }: OwnJobs, { id }: Attempt) =>
  (await sql`select from public.job_log where job_id = ${id}`).length;

/** Two jobs in a lease of which nothing is written, and one of them. */
async function withAttempt(run: (own: OwnJobs, attempt: Attempt) => Promise<void>): Promise<void> {
  await withOwnJobs({ connections: 4 }, async (own) => {
    const queue = new DeferredRun(own, "users");
    await queue.create(10);
    const [attempt] = await queue.take("writer", 2, true);
    // However long the test takes to get there.
    await own.sql`
      update private.job_lease set started_at = now() + interval '1 minute' where worker_id = 'writer'`;
    await run(own, attempt!);
    await assertSideTablesAreRight(own.sql, "in the end");
  });
}

for (const [name, end] of Object.entries(ends)) {
  Deno.test(`a line that waits for ${name} of a job whose start is not written is refused`, async () => {
    await withAttempt(async (own, attempt) => {
      let written: Promise<boolean> | undefined;
      await withOpenTransaction(own.sql, (held) => end(held, attempt), async (pid) => {
        written = log(own.sql, attempt);
        await until(async () => await own.waitingFor(pid) === 1);
      });
      assert.equal(await written, false);
      assert.equal(await linesOf(own, attempt), 0);
    });
  });
}

Deno.test("a cancellation waits for a line of a job whose start is not written", async () => {
  await withAttempt(async (own, attempt) => {
    let cancelled: Promise<unknown> | undefined;
    const written = await withOpenTransaction(
      own.sql,
      (held) => log(held, attempt),
      async (pid) => {
        cancelled = ends["a cancellation"]!(own.sql, attempt).then();
        await until(async () => await own.waitingFor(pid) === 1);
      },
    );
    await cancelled;
    assert.equal(written, true);
    assert.equal(await linesOf(own, attempt), 1);
    assert.equal(await log(own.sql, attempt), false, "that was the last one");
  });
});

for (const start of ["written", "not written"]) {
  Deno.test(`lines of many jobs wait for nobody who holds one of those: starts ${start}`, async () => {
    await withOwnJobs({ connections: 4, users: 2 }, async (own) => {
      const queue = new DeferredRun(own, "users");
      await queue.create(10);
      const attempts = await queue.take("writer", 4, start === "not written");
      const lines = attempts.map(({ id, token }) => ({
        job_id: id,
        fencing_token: token,
        message: "line",
      }));
      const leftOut = async () => {
        const [row] = await soon(own.sql<{ places: number[] }[]>`
          select private.add_free_job_logs(${own.sql.json(lines)}) as places`);
        return row!.places;
      };
      await holding(own, attempts[1]!.id, async () => {
        assert.deepEqual(await leftOut(), [2], "which one it is");
      });
      assert.deepEqual(await leftOut(), [], "later it is written");
      const counts = await Promise.all(attempts.map((attempt) => linesOf(own, attempt)));
      assert.deepEqual(counts, [2, 1, 2, 2]);
    });
  });
}
