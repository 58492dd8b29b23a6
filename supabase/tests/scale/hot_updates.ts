/** Whether what happens to a job all the time is written in place, without a new index entry (HOT). */
import assert from "node:assert/strict";
import type { LargeQueue } from "./large_queue.ts";

/** What a claim, progress or a plain completion changes. */
const changing = [
  "status",
  "turn",
  "held_by",
  "scheduled_for",
  "fencing_token",
  "seq",
  "worker_id",
  "lease_expires_at",
  "started_at",
  "slice_started_at",
  "completed_at",
  "runtime_seconds",
  "progress_percent",
  "progress_message",
  "checkpoint",
  "error_code",
  "error_message",
  "is_classic",
  "updated_at",
];

/** None of it stands in an index of the queue. */
export async function assertNoIndexChanges({ admin }: LargeQueue): Promise<void> {
  const found = await admin<{ index: string; column: string }[]>`
    select indexrelid::regclass::text as index, attname as column
    from pg_index
    join pg_attribute on attrelid = indrelid and attname = any(${changing})
    where indrelid = 'public.job_queue'::regclass
      and pg_get_indexdef(indexrelid) ~ ('\\m' || attname || '\\M')`;
  assert.deepEqual([...found], []);
}

export async function assertLifeIsHot(queue: LargeQueue): Promise<void> {
  const { admin } = queue;
  const jobs = 1_000;
  await createInTurn(queue, jobs);

  let leases: { job_id: string; fencing_token: string }[] = [];
  await assertHot(queue, "claims", jobs, async () => {
    leases = await admin<typeof leases>`
      select id as job_id, fencing_token
      from private.take_jobs('scale', ${jobs}, array['scale_hot'])`;
    assert.equal(leases.length, jobs);
  });
  await assertHot(queue, "progress", 400, async () => {
    for (const percent of [20, 40, 60, 80]) {
      for (const { job_id, fencing_token } of leases.slice(0, 100)) {
        const message = `at ${percent}`;
        await admin`
          select public.update_job_progress(${job_id}, ${percent}, ${message}, ${fencing_token})`;
      }
    }
  });
  await assertHot(queue, "heartbeats", jobs, async () => {
    await admin`
      update public.job_type set lease = '2 hours', max_runtime = '1 day' where name = 'scale_hot'`;
    await admin`select public.heartbeat('scale', ${admin.json(leases)}, 1000, 1000)`;
  });
  await assertHot(queue, "completions", jobs, async () => {
    const ids = leases.map(({ job_id }) => job_id);
    const tokens = leases.map(({ fencing_token }) => fencing_token);
    const [answer] = await admin`
      select private.complete_by_id(${ids}::uuid[], ${tokens}::bigint[]) as refused`;
    assert.deepEqual(answer!.refused, []);
  });
}

/** Jobs made one after the other, as they come: how rows lie that a load has packed says nothing. */
async function createInTurn({ admin, users }: LargeQueue, jobs: number): Promise<void> {
  await admin`
    insert into public.job_type (name, category, description)
    values ('scale_hot', 'maintenance', 'Lives as a job does.')`;
  await admin`
    insert into public.job_queue (user_id, job_type, params, turn)
    select case when n % 2 = 0 then ${users[2]!}::uuid end, 'scale_hot', '{"page": 1}', n
    from generate_series(1, ${jobs}::int) as n`;
}

async function assertHot(
  queue: LargeQueue,
  what: string,
  expected: number,
  task: () => Promise<unknown>,
): Promise<void> {
  const before = await updatesOf(queue);
  await task();
  const after = await updatesOf(queue);
  const all = after.all - before.all;
  assert.ok(all >= expected, `${what}: ${all} updates were counted`);
  const hot = (after.hot - before.hot) / all;
  assert.ok(hot > 0.95, `${what}: ${Math.round(hot * 100)} % of the updates were HOT`);
}

async function updatesOf({ admin }: LargeQueue): Promise<{ all: number; hot: number }> {
  await admin`select pg_stat_force_next_flush()`;
  const [row] = await admin<{ all: number; hot: number }[]>`
    select n_tup_upd::int as all, n_tup_hot_upd::int as hot
    from pg_stat_user_tables where relid = 'public.job_queue'::regclass`;
  return row!;
}
