/** `job_status_changed`: what listeners in SQL hear of the jobs of users. */
import assert from "node:assert/strict";
import { type OwnJobs, until, withOwnJobs } from "./own_jobs.ts";

interface Notice {
  readonly status: string;
  readonly job_ids: string[];
}

/** Runs `task`; answers what was heard of the jobs of this test until all of it had arrived. */
async function heardOf({ sql }: OwnJobs, ids: string[], task: () => Promise<unknown>) {
  const heard: Notice[] = [];
  let isOver = false;
  const { unlisten } = await sql.listen("job_status_changed", (payload) => {
    const notice = JSON.parse(payload) as Notice;
    isOver ||= notice.status === "over";
    const ours = notice.job_ids.filter((id) => ids.includes(id));
    if (ours.length > 0) heard.push({ ...notice, job_ids: ours });
  });
  await task();
  // Notifications arrive in the order of commits.
  await sql.notify("job_status_changed", `{"status": "over", "job_ids": []}`);
  await until(() => Promise.resolve(isOver));
  await unlisten();
  return heard;
}

const countsOf = (heard: Notice[]) => heard.map((notice) => [notice.status, notice.job_ids.length]);

const own = { connections: 3, users: 2 };

Deno.test("whoever listens for changes of status hears of each once, and of nothing else", async () => {
  await withOwnJobs(own, async (jobs) => {
    const { sql, jobTypes } = jobs;
    const ids = await jobs.enqueue(2);
    const heard = await heardOf(jobs, ids, async () => {
      const taken = await sql<{ id: string; token: string }[]>`
        select id, fencing_token as token from public.claim_jobs('w', 2, ${[...jobTypes]})`;
      const [first, second] = taken;
      assert.ok(first && second);
      await sql`select public.update_job_progress(${first.id}, 50, 'half', ${first.token})`;
      await sql`select public.complete_job(${first.id}, null, ${first.token})`;
      await sql`select public.fail_job(${second.id}, 'no', p_fencing_token => ${second.token})`;
      await sql`select public.cancel_job(${second.id})`;
      await sql`select public.retry_job(${second.id})`;
    });
    assert.deepEqual(countsOf(heard), [
      ["processing", 2],
      ["completed", 1],
      ["pending", 1],
      ["cancelled", 1],
      ["pending", 1],
    ]);
  });
});

Deno.test("of 400 jobs that start and end in a moment three notices say that they are over", async () => {
  await withOwnJobs(own, async (jobs) => {
    const { sql, jobTypes } = jobs;
    const ids = await jobs.enqueue(401);
    const heard = await heardOf(jobs, ids, async () => {
      await sql`
        with taken as materialized (
          select * from private.take_jobs('w', 400, ${[...jobTypes]}, true)
        )
        select private.complete_by_id(array_agg(id), array_agg(fencing_token)) from taken`;
    });
    assert.deepEqual(countsOf(heard), [["completed", 150], ["completed", 150], ["completed", 100]]);
    assert.equal(new Set(heard.flatMap((notice) => notice.job_ids)).size, 400);
  });
});

Deno.test("where nobody is to be notified of status changes, nobody is", async () => {
  await withOwnJobs(own, async (jobs) => {
    const { sql } = jobs;
    const ids = await jobs.enqueue(1);
    const heard = await heardOf(jobs, ids, () =>
      sql.begin(async (tx) => {
        await tx`update private.job_setting set notify_status_changes = false`;
        await tx`select public.cancel_job(${ids[0]!})`;
        await tx`update private.job_setting set notify_status_changes = true`;
      }));
    assert.deepEqual(heard, []);
  });
});
