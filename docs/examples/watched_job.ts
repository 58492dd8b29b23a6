/** For tests against a running stack: a job that the test itself moves, watched from a page. */
import assert from "node:assert/strict";
import type { SupabaseClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { readStack, type StackInfo } from "../../local/stack/client.ts";
import { Person } from "../../supabase/tests/e2e/person.ts";
import { until } from "./fake_source.ts";
import { jobSource } from "./job_source.ts";
import { type JobView, JobWatcher } from "./job_watcher.ts";
import type { Pace } from "./pace.ts";
import { TestPage } from "./test_page.ts";

/** Quick enough for a test, slow enough to tell a push from an answer. */
export const testPace: Pace = {
  live: [60_000, 60_000],
  polling: [300, 1_000],
  hidden: [60_000, 60_000],
  failing: [300, 1_000],
  grace: 500,
};

/** A user, their page, and a job of theirs that is being worked on. */
export class WatchedJob {
  readonly page: TestPage;
  readonly seen: JobView[] = [];
  #token = 0;

  private constructor(
    readonly stack: StackInfo,
    readonly sql: postgres.Sql,
    readonly person: Person,
    readonly jobType: string,
    readonly id: string,
  ) {
    this.page = new TestPage(stack);
  }

  /** Makes all that, runs the test and takes it away. */
  static async run(test: (job: WatchedJob, client: SupabaseClient) => Promise<void>) {
    const stack = await readStack();
    const sql = postgres(stack.db_url, { max: 2, onnotice: () => {} });
    const person = await Person.signUp(stack);
    const jobType = `watched_${crypto.randomUUID().replaceAll("-", "")}`;
    await sql`
      insert into public.job_type (name, category, description, lease, cache_ttl)
      values (${jobType}, 'maintenance', 'Moved by a test.', '5 minutes', null)`;
    // No handler knows the type, so no worker of the stack takes the job.
    const [row] = await sql`select public.create_job(${person.id}, ${jobType}) as id`;
    const job = new WatchedJob(stack, sql, person, jobType, row!.id);
    const client = await job.page.open(person);
    try {
      await job.claim();
      await test(job, client);
    } finally {
      await client.removeAllChannels();
      await person.leave();
      await sql`delete from public.job_queue where job_type = ${jobType}`;
      await sql`delete from public.job_type where name = ${jobType}`;
      await sql.end();
    }
  }

  /** Somebody else. */
  async stranger() {
    const person = await Person.signUp(this.stack);
    const client = await new TestPage(this.stack).open(person);
    const leave = async () => {
      await client.removeAllChannels();
      await person.leave();
    };
    return { client, [Symbol.asyncDispose]: leave };
  }

  /** The process of Realtime right now; the supervisor starts another one when it dies. */
  async realtimePid(): Promise<number> {
    return (await readStack()).parts.realtime!.pid;
  }

  /** Watches as a page does; what was shown is kept in `seen`. */
  watch(client: SupabaseClient, pace = testPace) {
    const watcher = new JobWatcher(jobSource(client, this.page), this.id, pace);
    const stop = watcher.subscribe(() => this.seen.push(watcher.getSnapshot()));
    return { watcher, stop };
  }

  /** How often job-status was asked. */
  get asked(): number {
    return this.page.fetched.filter((url) => url.includes("/job-status")).length;
  }

  async claim() {
    const [row] = await this.sql`
      select fencing_token from public.claim_jobs('a test', 1, array[${this.jobType}])`;
    this.#token = row!.fencing_token;
  }

  async progress(percent: number) {
    const [row] = await this.sql`
      select public.update_job_progress(${this.id}, ${percent}, ${`at ${percent}`}, ${this.#token}) as ok`;
    assert.equal(row!.ok, true);
  }

  async complete(result: postgres.JSONValue = { done: true }) {
    const [row] = await this.sql`
      select public.complete_job(${this.id}, ${this.sql.json(result)}, ${this.#token}) as ok`;
    assert.equal(row!.ok, true);
  }

  /** A child of the job, of which its owner hears. */
  async addChild() {
    const [child] = await this.sql`
      insert into public.job_queue (user_id, job_type, parent_job_id)
      values (${this.person.id}, ${this.jobType}, ${this.id})
      returning id`;
    await this.sql`select public.cancel_job(${child!.id})`;
  }

  /** Changes the job as no trigger sees it: the broadcast is lost. */
  async progressUnheard(percent: number) {
    const admin = postgres(this.stack.admin_db_url, { max: 1 });
    await admin.begin(async (transaction) => {
      await transaction`set local session_replication_role = replica`;
      await transaction`
        update public.job_queue set progress_percent = ${percent}, seq = seq + 1 where id = ${this.id}`;
    });
    await admin.end();
  }

  /** Waits until a percentage is shown. */
  async shows(watcher: JobWatcher, percent: number, ms?: number) {
    const shown = () => watcher.getSnapshot();
    await until(() => shown().job?.percent === percent, () => JSON.stringify(shown()), ms);
  }

  async is(watcher: JobWatcher, connection: JobView["connection"], ms?: number) {
    const shown = () => watcher.getSnapshot();
    await until(() => shown().connection === connection, () => JSON.stringify(shown()), ms);
  }

  /** Nothing went backwards: no state after a later one, no number twice with another percentage. */
  assertOrder() {
    const states = this.seen.flatMap(({ job }) => job ? [job] : []);
    for (const [n, state] of states.entries()) {
      const before = states[n - 1];
      assert.ok(!before || state.seq >= before.seq, `${before?.seq} before ${state.seq}`);
      assert.ok(!before || state.percent >= before.percent);
    }
  }
}

/** A test that needs a running stack: skipped unless STREAMVIBE_STACK names one. */
export function jobTest(
  name: string,
  test: (job: WatchedJob, client: SupabaseClient) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !Deno.env.has("STREAMVIBE_STACK"),
    // supabase-js keeps timers of its own for a while after the last channel has gone.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => WatchedJob.run(test),
  });
}
