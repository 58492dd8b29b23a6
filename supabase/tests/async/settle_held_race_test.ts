/**
 * A worker settles many jobs in one call, of many users, while somebody holds one of them for long. The others do not
 * wait for that, and nothing is lost: of what is held the worker is told so, and asks again.
 */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { DeferredRun } from "./deferred/run.ts";
import { holding, soon } from "./holding.ts";
import { type OwnJobs, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

const jobTypes = [{ lease: "1 minute", max_runtime: "2 days" }];

interface Settled {
  job_id: string;
  answer: unknown;
}

const settling: Record<
  string,
  (own: OwnJobs, jobs: postgres.JSONValue) => Promise<readonly Settled[]>
> = {
  "complete_jobs()": ({ sql }, jobs) =>
    sql<Settled[]>`
      select job_id, recorded as answer from public.complete_jobs(${sql.json(jobs)})`,
  "fail_jobs()": ({ sql }, jobs) =>
    sql<Settled[]>`select job_id, status as answer from public.fail_jobs(${sql.json(jobs)})`,
  "yield_jobs()": ({ sql }, jobs) =>
    sql<Settled[]>`select job_id, recorded as answer from public.yield_jobs(${sql.json(jobs)})`,
};

const answers = {
  "complete_jobs()": { recorded: true, held: null, refused: false },
  "fail_jobs()": { recorded: "failed", held: "held", refused: null },
  "yield_jobs()": { recorded: true, held: null, refused: false },
};

for (const [name, settle] of Object.entries(settling)) {
  const expected = answers[name as keyof typeof answers];
  for (const start of ["written", "not written"]) {
    Deno.test(`${name} waits for nobody who holds one of the jobs, and says which those are: starts ${start}`, async () => {
      await withOwnJobs({ connections: 4, users: 2, jobTypes }, async (own) => {
        const run = new DeferredRun(own, "users");
        await run.create(20);
        const attempts = await run.take("busy", 10, start === "not written");
        const jobs = attempts.map(({ id, token }) => ({
          job_id: id,
          fencing_token: token,
          result: { of: id },
          retryable: false,
          delay_ms: 60_000,
        }));
        // Another worker's, under a token that is not its own.
        const [other] = await run.take("other", 1, false);
        const stranger = { ...jobs[0]!, job_id: other!.id, fencing_token: attempts[0]!.token + 1 };
        const answerOf = async (asked: typeof jobs) =>
          new Map(
            (await soon(settle(own, asked))).map(({ job_id, answer }) => [job_id, answer]),
          );
        const [held] = jobs;
        await holding(own, held!.job_id, async () => {
          const given = await answerOf([...jobs, stranger]);
          assert.equal(given.size, 11);
          assert.equal(given.get(held!.job_id), expected.held);
          assert.equal(given.get(stranger.job_id), expected.refused);
          for (const { job_id } of jobs.slice(1)) {
            assert.equal(given.get(job_id), expected.recorded, "of the others");
            if (name !== "complete_jobs()") continue;
            assert.deepEqual((await own.job(job_id)).result, { of: job_id }, "its own result");
          }
          assert.deepEqual(
            await answerOf([held!]),
            new Map([[held!.job_id, expected.held]]),
            "also when it is alone",
          );
          await assertSideTablesAreRight(own.sql, "while one is held");
        });
        assert.deepEqual(
          await answerOf(jobs.slice(0, 1)),
          new Map([[held!.job_id, expected.recorded]]),
        );
        await assertSideTablesAreRight(own.sql, "when all are settled");
      });
    });
  }
}

/** As upkeep of the broadcasts' table; no other test waits behind it for its turn. */
async function holdBroadcasts({ sql }: OwnJobs, meanwhile: () => Promise<void>): Promise<void> {
  await until(async () => {
    try {
      await withOpenTransaction(
        sql,
        (tx) => tx`lock table realtime.messages in share mode nowait`,
        meanwhile,
      );
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === "55P03") return false;
      throw error;
    }
  });
}

for (const [name, settle] of Object.entries(settling)) {
  Deno.test(`${name} tells owners, though nobody can be told for longer than it waits for a job`, async () => {
    await withOwnJobs({ connections: 4, jobTypes }, async (own) => {
      const run = new DeferredRun(own, "users");
      const [id] = await run.create(1);
      const [attempt] = await run.take("busy", 1, false);
      const job = { job_id: id!, fencing_token: attempt!.token, retryable: false };
      const told = async () => {
        const [row] = await own.sql<{ count: number }[]>`
          select count(*)::int from realtime.messages where topic = ${`job_status:${id}`}`;
        return row!.count;
      };
      const before = await told();
      let settled: Promise<readonly Settled[]> | undefined;
      await holdBroadcasts(own, async () => {
        settled = soon(settle(own, [job]));
        await new Promise((resolve) => setTimeout(resolve, 300));
      });
      const [{ answer }] = (await settled!) as [Settled];
      assert.equal(answer, answers[name as keyof typeof answers].recorded);
      assert.equal(await told(), before + 1);
    });
  });
}
