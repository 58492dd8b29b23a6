/** What pgTAP cannot show, having one session: who asks for a job that is planned for later, beside others. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { cancel } from "./batches.ts";
import { type OwnJobs, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";
import { assertSideTablesAreRight } from "./side_tables.ts";

interface Answer {
  job_id: string;
  outcome: string;
}
type Ask = (sql: postgres.Sql, user: string | null, jobType: string) => Promise<Answer>;

const ways: Record<string, Ask> = {
  "find_or_create_job()": async (sql, user, jobType) => {
    const [answer] = await sql<Answer[]>`
      select job_id, outcome from public.find_or_create_job(${user}, ${jobType}, '{"channel": 1}')`;
    return answer!;
  },
  "create_jobs()": async (sql, user, jobType) => {
    const [answer] = await sql<Answer[]>`
      select job_id, outcome from public.create_jobs(${
      sql.json([{ user_id: user, job_type: jobType, params: { channel: 1 } }])
    })`;
    return answer!;
  },
};

async function plan(sql: postgres.Sql, user: string | null, type: string, ms = 3_600_000) {
  const [made] = await sql<Answer[]>`
    select job_id, outcome from private.find_or_create_job(${user}, ${type}, '{"channel": 1}',
      p_scheduled_for => now() + ${ms}::int * interval '1 millisecond')`;
  assert.equal(made!.outcome, "created");
  return made!.job_id;
}

const claim = (sql: postgres.Sql, { jobTypes }: OwnJobs) =>
  sql<{ id: string }[]>`
    select id from public.claim_jobs('race', 1000, ${sql.array([...jobTypes])})`;

/** Its status, whether it stands in line, and after how much news. */
async function state({ job }: OwnJobs, id: string): Promise<string> {
  const { status, turn, seq } = await job(id);
  return `${status}${turn === null ? "" : ", in line"}, ${seq} told`;
}

for (const [way, ask] of Object.entries(ways)) {
  for (const owner of ["a user", "the system"] as const) {
    const subject = ({ users }: OwnJobs) => owner === "a user" ? users[0]! : null;
    /** What becomes of a request beside a transaction that has done something and ends that way. */
    const meet = async (
      own: OwnJobs,
      act: (held: postgres.Sql, id: string) => Promise<unknown>,
      end: "commit" | "rollback",
    ) => {
      const id = await plan(own.sql, subject(own), own.jobTypes[0]!);
      let asked: Promise<Answer> | undefined;
      await withOpenTransaction(own.sql, (held) => act(held, id), async (pid) => {
        asked = ask(own.sql, subject(own), own.jobTypes[0]!);
        await until(async () => await own.waitingFor(pid) === 1);
      }, end);
      const { outcome, job_id } = await asked!;
      await assertSideTablesAreRight(own.sql, "after both");
      const left = await state(own, id);
      await own.sql`delete from public.job_queue where job_type = ${own.jobTypes[0]!}`;
      return `${outcome}${job_id === id ? "" : " another"}: ${left}`;
    };

    Deno.test(`many that ask by ${way} of ${owner} for a planned job at once bring it forward once`, async () => {
      await withOwnJobs({ connections: 24 }, async (own) => {
        const id = await plan(own.sql, subject(own), own.jobTypes[0]!);
        const all = Object.values(ways);
        const answers = await Promise.all(
          Array.from(
            { length: 40 },
            (_, n) =>
              (n % 4 === 0 ? all[n % 8 / 4]! : ask)(own.sql, subject(own), own.jobTypes[0]!),
          ),
        );
        assert.deepEqual(new Set(answers.map((one) => one.outcome)), new Set(["joined"]));
        assert.deepEqual(new Set(answers.map((one) => one.job_id)), new Set([id]));
        assert.equal(await state(own, id), "pending, in line, 1 told");
        assert.equal((await claim(own.sql, own)).length, 1);
      });
    });

    Deno.test(`${way} of ${owner} waits for who cancels, claims or brings forward the same planned job`, async () => {
      await withOwnJobs({ connections: 4 }, async (own) => {
        const begin = async (held: postgres.Sql, id: string) => {
          await held`update public.job_queue set scheduled_for = now() where id = ${id}`;
          assert.equal((await claim(held, own)).length, 1);
        };
        const again = (held: postgres.Sql) => ask(held, subject(own), own.jobTypes[0]!);
        const moved = "joined: pending, in line, 1 told";
        assert.equal(await meet(own, cancel, "rollback"), moved);
        assert.equal(await meet(own, cancel, "commit"), "created another: cancelled, 1 told");
        assert.equal(await meet(own, begin, "rollback"), moved);
        assert.equal(await meet(own, begin, "commit"), "joined: processing, in line, 1 told");
        assert.equal(await meet(own, again, "rollback"), moved);
        assert.equal(await meet(own, again, "commit"), moved);
      });
    });
  }
}

Deno.test("jobs that come due while they are asked for are claimed once, and no statement fails", async () => {
  await withOwnJobs({ connections: 24, users: 4, jobTypes: [{}, {}] }, async (own) => {
    const { sql, users, jobTypes } = own;
    const all = Object.values(ways);
    for (let round = 0; round < 6; round++) {
      const subjects = jobTypes.flatMap((type) => [null, ...users].map((user) => ({ user, type })));
      const ids = await Promise.all(
        subjects.map(({ user, type }, n) => plan(sql, user, type, n % 2 ? 40 : 3_600_000)),
      );
      const claimed: string[] = [];
      const work = async () => {
        for (let look = 0; look < 8; look++) {
          claimed.push(...(await claim(sql, own)).map(({ id }) => id));
        }
      };
      const moves = users.map((user) => async () => {
        await sql`select public.pause_user_jobs(${user})`;
        await sql`select public.resume_user_jobs(${user})`;
      });
      const requests = Array.from(
        { length: 3 },
        (_, n) => subjects.map(({ user, type }) => () => all[n % all.length]!(sql, user, type)),
      ).flat();
      // No statement may fail: a deadlock would.
      await Promise.all([...moves, work, ...requests, work].map((act) => act()));
      await until(async () => {
        await work();
        return claimed.length >= ids.length;
      });
      assert.deepEqual(claimed.toSorted(), ids.toSorted());
      await assertSideTablesAreRight(sql, "when all run");
      await sql`delete from public.job_queue where job_type = any(${[...jobTypes]})`;
    }
  });
});
