/** One run of `deferred_starts_test.ts`: the database, held against the ledger. */
import assert from "node:assert/strict";
import type { OwnJobs } from "../own_jobs.ts";
import { assertSideTablesAreRight } from "../side_tables.ts";
import { type Attempt, Ledger } from "./ledger.ts";
import { assertOwnersWereTold } from "./owner_hands.ts";

/** Whom the jobs of a run belong to; of a claim's jobs all or none are left unwritten. */
export type Whose = "system" | "users" | "both";

export class DeferredRun {
  readonly ledger = new Ledger();
  readonly jobType: string;

  constructor(readonly own: OwnJobs, readonly whose: Whose = "system") {
    this.jobType = own.jobTypes[0]!;
  }

  /** Forgets the jobs of the run before. */
  async clear(): Promise<void> {
    await this.own.sql`delete from public.job_queue where job_type = ${this.jobType}`;
    await this.#open();
  }

  async create(count: number): Promise<string[]> {
    const { sql } = this.own;
    if (this.whose === "users" || (this.whose === "both" && count % 2)) {
      const ids = await this.own.enqueue(count);
      for (const id of ids) this.ledger.add(id);
      return ids;
    }
    const requests = Array.from({ length: count }, () => ({
      job_type: this.jobType,
      params: { n: crypto.randomUUID() },
    }));
    const rows = await sql<{ job_id: string }[]>`
      select job_id from public.create_jobs(${sql.json(requests)}) order by ordinal`;
    for (const { job_id } of rows) this.ledger.add(job_id);
    return rows.map(({ job_id }) => job_id);
  }

  async take(worker: string, count: number, mayDefer: boolean): Promise<Attempt[]> {
    const rows = await this.own.sql<{ id: string; token: string }[]>`
      select id, fencing_token as token
      from private.take_jobs(${worker}, ${count}, ${[this.jobType]}, ${mayDefer})`;
    return rows.map(({ id, token }) => this.ledger.hold({ id, token: Number(token), worker }));
  }

  /** Answers whose completion was refused: of those that hold theirs, nobody's. */
  async complete(attempts: Attempt[], results: unknown[] | null = null): Promise<string[]> {
    const { sql } = this.own;
    const [row] = await sql<{ refused: string[] }[]>`
      select private.complete_by_id(${attempts.map(({ id }) => id)}::uuid[],
        ${attempts.map(({ token }) => token)}::bigint[],
        ${results && sql.json(results as never)}) as refused`;
    const refused = new Set(row!.refused);
    for (const attempt of attempts) {
      const isDone = !refused.has(attempt.id);
      assert.equal(isDone, this.ledger.isHolder(attempt), "only its holder completes a job");
      if (isDone) this.ledger.end(attempt.id);
    }
    return row!.refused;
  }

  /** As if a worker's jobs had started a second earlier: then its next heartbeat writes their starts. */
  async age(worker: string): Promise<void> {
    await this.own.sql`
      update private.job_lease set started_at = started_at - interval '1 second'
      where worker_id = ${worker} and started_at is not null`;
  }

  /** Names all that a worker was ever given: it holds what is its own, written or not. */
  async beat(worker: string): Promise<void> {
    const { ledger, own: { sql } } = this;
    const attempts = ledger.attemptsOf(worker);
    const leases = attempts.map(({ id, token }) => ({ job_id: id, fencing_token: token }));
    const [row] = await sql<{ held: string[] }[]>`
      select public.heartbeat(${worker}, ${sql.json(leases)}, 1, 1) -> 'held' as held`;
    const own = attempts.filter((attempt) => ledger.isHolder(attempt)).map(({ id }) => id);
    assert.deepEqual(row!.held.toSorted(), own.toSorted(), `what ${worker} holds`);
  }

  /** The leases of a worker run out, and somebody notices; answers how many jobs that were. */
  async lose(worker: string): Promise<number> {
    await this.own.sql.begin(async (tx) => {
      await tx`
        update private.job_lease set check_at = now() - interval '1 second'
        where worker_id = ${worker} and started_at is not null`;
      await tx`
        update public.job_queue
        set slice_started_at = slice_started_at - interval '1 minute',
          lease_expires_at = now() - interval '1 second'
        where job_type = ${this.jobType} and status = 'processing' and worker_id = ${worker}`;
      await tx`select private.recover_lost_jobs()`;
    });
    const lost = this.ledger.held.filter((attempt) => attempt.worker === worker);
    for (const { id } of lost) this.ledger.release(id);
    return lost.length;
  }

  /** The side tables, and the row of whatever somebody holds. */
  async verify(when: string): Promise<void> {
    const { sql } = this.own;
    await assertSideTablesAreRight(sql, when);
    const { held } = this.ledger;
    const rows = await sql<{ is_held: boolean }[]>`
      select coalesce(
        job.status = 'processing' and job.fencing_token = attempt.token and job.worker_id = attempt.worker
        or job.status = 'pending' and job.fencing_token = 0 and exists (
          select from private.job_lease as lease
          where lease.lease_id = attempt.token - 1000000000000 and lease.started_at is not null
            and lease.worker_id = attempt.worker and job.id = any(lease.job_ids)), false) as is_held
      from unnest(${held.map(({ id }) => id)}::uuid[], ${held.map(({ token }) => token)}::bigint[],
        ${held.map(({ worker }) => worker)}::text[]) as attempt (id, token, worker)
      join public.job_queue as job on job.id = attempt.id`;
    assert.equal(rows.filter(({ is_held }) => is_held).length, held.length, `held is held ${when}`);
  }

  /** Whatever was accepted ends. */
  async drain(workers: readonly string[]): Promise<void> {
    await this.#open();
    for (const worker of workers) await this.lose(worker);
    await this.own.sql`
      update public.job_queue set scheduled_for = now() - interval '1 second'
      where job_type = ${this.jobType} and status = 'pending' and scheduled_for > now()`;
    for (let round = 0; this.ledger.waiting > 0; round++) {
      assert.ok(round < 100, "every job that was accepted ends");
      const attempts = await this.take("drain", 500, true);
      if (attempts.length > 0) await this.complete(attempts);
    }
    await this.verify("when it is drained");
    await assertOwnersWereTold(this);
  }

  async #open(): Promise<void> {
    await this.own.sql`
      update public.job_type set is_paused = false, max_concurrency = null where name = ${this.jobType}`;
    for (const user of this.own.users) {
      await this.own.sql`select public.resume_user_jobs(${user})`;
    }
  }
}
