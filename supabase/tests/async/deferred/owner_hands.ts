/** What owners and operators do to the jobs of users, for `deferred_starts_test.ts`. */
import assert from "node:assert/strict";
import type { Choice } from "./hands.ts";
import type { DeferredRun } from "./run.ts";

type Act = (run: DeferredRun, choice: Choice) => Promise<boolean>;

export const ownerHands = {
  "cancel as its owner": async ({ ledger, own }, { which }) => {
    const id = ledger.job(which);
    const user = id && (await own.job(id)).user_id;
    if (!user) return false;
    const mayStillEnd = ledger.isActive(id);
    const [row] = await own.sql<{ answer: boolean }[]>`
      select public.cancel_job(${id}, ${user}) as answer`;
    assert.equal(row!.answer, mayStillEnd, "an owner cancels whatever has not ended");
    ledger.end(id);
    return true;
  },
  "pause or resume an owner": async ({ own: { sql, users }, whose }, { which }) => {
    if (whose === "system") return false;
    const user = users[which % users.length]!;
    if (which % 3) await sql`select public.resume_user_jobs(${user})`;
    else await sql`select public.pause_user_jobs(${user})`;
    return true;
  },
  "expire": async ({ ledger, own: { sql } }, { which }) => {
    const id = ledger.job(which);
    if (id === undefined || !ledger.isWaiting(id)) return false;
    await sql.begin(async (tx) => {
      await tx`
        update public.job_queue set expires_at = now() - interval '1 second' where id = ${id}`;
      await tx`select public.expire_stale_jobs()`;
    });
    const [row] = await sql<{ status: string }[]>`
      select status from public.job_queue where id = ${id}`;
    assert.equal(row!.status, "failed", "what waits for too long expires");
    ledger.end(id);
    return true;
  },
} satisfies Record<string, Act>;

/** Every change once, and the last of them last: on the topic of each job of a user. */
export async function assertOwnersWereTold({ jobType, own: { sql } }: DeferredRun): Promise<void> {
  const wrong = await sql`
    with job as materialized (
      select id, status, seq, 'job_status:' || id as topic
      from public.job_queue where job_type = ${jobType} and user_id is not null
    ),
    told as materialized (
      select topic, payload ->> 'status' as status, (payload -> 'seq')::bigint as seq
      from realtime.messages
      where event = 'job_update' and topic = any(array(select topic from job))
        and inserted_at > now() - interval '5 minutes'
    )
    select job.id, job.status, job.seq, array_agg(told.seq) as seqs, array_agg(told.status) as statuses
    from job left join told on told.topic = job.topic
    group by job.id, job.status, job.seq
    having (job.seq > 0 or count(told.seq) > 0)
      and (array_agg(told.seq order by told.seq) <> array(select generate_series(1, job.seq))
        or (array_agg(told.status order by told.seq))[job.seq] <> job.status)`;
  assert.deepEqual([...wrong], [], "owners are told of every change, and of each once");
}
