/** The real engine beside its model: reads what a step made of the jobs and holds it against the rules. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import type { JobRow, OwnJobs } from "../own_jobs.ts";
import { assertSideTablesAreRight } from "../side_tables.ts";
import type { ModelJob } from "./job.ts";
import { type Foretold, limits } from "./life.ts";
import type { Model } from "./model.ts";
import { checkMove, checkRules, checkUntouched, type LifeEvent } from "./rules.ts";

const foretold = (row: JobRow): Foretold => ({
  status: row.status,
  fencing_token: row.fencing_token,
  is_classic: row.is_classic,
  seq: row.seq,
  retry_count: row.retry_count,
  crash_count: row.crash_count,
  crash_streak: row.crash_streak,
  progress_percent: row.progress_percent,
  progress_message: row.progress_message,
  checkpoint: row.checkpoint,
  result: row.result,
  error_code: row.error_code,
  held_by: row.held_by,
});

/** What all runs of the property have in common. */
export interface Tally {
  steps: number;
  readonly moves: Map<string, number>;
}

/** One run: the database's side of it. */
export class EngineRun {
  #rows = new Map<string, JobRow>();

  constructor(
    readonly own: OwnJobs,
    readonly maxActive: number,
    private readonly tally: Tally,
  ) {}

  /** Forgets the jobs of the run before. */
  async clear(): Promise<void> {
    const { sql, jobTypes } = this.own;
    await sql`delete from public.job_queue where job_type = any(${jobTypes})`;
  }

  /**
   * Compares every job with the model and with the rules.
   *
   * @param event What the step was; every job that moved must have moved along it.
   * @param written The jobs the step wrote to; every other one must be as it was, in every column.
   * @param maySet Columns that the step may nevertheless set in any job.
   */
  async verify(
    model: Model,
    event: LifeEvent,
    written: readonly ModelJob[],
    maySet: readonly (keyof JobRow)[] = [],
  ): Promise<void> {
    // A tick may do it any moment, so it is done now.
    if (model.sweep()) await this.own.sql`select private.sweep_batches()`;
    const before = this.#rows;
    this.#rows = await this.#read();
    this.tally.steps++;
    assert.equal(this.#rows.size, model.jobs.length, "no job is lost, none is made up");
    for (const job of model.jobs) {
      const now = this.#rows.get(job.id);
      assert.ok(now, "an accepted job is there");
      const then = before.get(job.id);
      const isEcho = model.echoes.has(job);
      if (then) checkRules(then, now, event);
      if (then && !written.includes(job) && !isEcho) checkUntouched(then, now, maySet);
      this.#checkMove(then?.status ?? "none", now.status, event, isEcho);
      assert.deepEqual(foretold(now), job.row, `after "${event}"`);
      assert.ok(now.retry_count <= limits.max_retries, "retries are capped");
      assert.ok(now.crash_streak <= limits.max_crashes, "crashes are capped");
    }
    model.echoes.clear();
  }

  async #read(): Promise<Map<string, JobRow>> {
    const { sql, jobTypes } = this.own;
    // The turn is the queue's own business, and any claim in the database may give one.
    const rows = await sql<{ id: string; job: JobRow }[]>`
      select id, to_jsonb(job) - 'turn' as job
      from public.job_queue as job where job_type = any(${jobTypes})`;
    return new Map(rows.map(({ id, job }) => [id, job]));
  }

  #checkMove(from: string, to: string, event: LifeEvent, isEcho: boolean): void {
    if (from === to) return;
    const move = `${from} > ${to}`;
    checkMove(move, event, isEcho);
    this.tally.moves.set(move, (this.tally.moves.get(move) ?? 0) + 1);
  }

  /** Workers that do their work now come: whatever was accepted ends. */
  async drain(): Promise<void> {
    const { sql, jobTypes } = this.own;
    for (let round = 0;; round++) {
      await assertSideTablesAreRight(sql, round === 0 ? "when the steps end" : "while it drains");
      const jobs = [...(await this.#read()).values()];
      if (jobs.every(({ completed_at }) => completed_at !== null)) return;
      assert.ok(round < 100, "every accepted job ends");
      await sql.begin(async (tx) => {
        await loseLeases(tx, jobs.map(({ id }) => id));
        await passTime(tx, jobTypes);
        const claimed = await tx<{ job_id: string; fencing_token: number }[]>`
          select id as job_id, fencing_token::int
          from public.claim_jobs('model-drain', 1000, ${tx.array([...jobTypes])})`;
        await tx`select public.complete_jobs(${tx.json(claimed.map((row) => ({ ...row })))})`;
      });
    }
  }
}

/** What dead workers leave behind. In the transaction that takes the jobs back, or a tick would. */
export const loseLeases = (tx: postgres.TransactionSql, ids: string[]) =>
  tx`
    update public.job_queue
    set slice_started_at = slice_started_at - interval '1 minute',
      lease_expires_at = now() - interval '1 second'
    where id = any(${ids}) and status = 'processing'`;

/** Everything that waits for its time becomes due. */
export const passTime = (tx: postgres.TransactionSql, jobTypes: readonly string[]) =>
  tx`
    update public.job_queue set scheduled_for = now() - interval '1 second'
    where job_type = any(${
    tx.array([...jobTypes])
  }) and status = 'pending' and scheduled_for > now()`;
