/**
 * For tests against a running stack: a signed-in user with a client as a page has it, a job that the
 * test itself moves, and hands on the wire, the token and the tab.
 */
import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { SignJWT } from "jose";
import postgres from "postgres";
import { readStack, type StackInfo } from "../../local/stack/client.ts";
import { Person } from "../../supabase/tests/e2e/person.ts";
import { until } from "./fake_source.ts";
import { jobSource, type Page } from "./job_source.ts";
import { type JobView, JobWatcher, type Pace } from "./job_watcher.ts";

/** Quick enough for a test, slow enough to tell a push from an answer. */
export const testPace: Pace = {
  live: [60_000, 60_000],
  polling: [300, 1_000],
  hidden: [60_000, 60_000],
  failing: [300, 1_000],
  grace: 500,
};

/** The window and the document of a page, as far as anybody here looks. */
export class FakePage implements Page {
  readonly window = new EventTarget();
  readonly document = Object.assign(new EventTarget(), { visibilityState: "visible" });

  show(isVisible: boolean) {
    this.document.visibilityState = isVisible ? "visible" : "hidden";
    this.document.dispatchEvent(new Event("visibilitychange"));
  }
}

/** A user, their client, and a job of theirs that is being worked on. */
export class WatchedJob {
  readonly page = new FakePage();
  /** Every socket the client has opened, the newest last. */
  readonly sockets: WebSocket[] = [];
  /** Every URL the client has fetched. */
  readonly fetched: string[] = [];
  /** Requests to URLs with this in them find no network. */
  unreachable: string | null = null;
  readonly seen: JobView[] = [];
  /** What the client keeps in the browser's storage. */
  readonly storage = new Map<string, string>();
  #token = 0;

  private constructor(
    readonly stack: StackInfo,
    readonly sql: postgres.Sql,
    readonly person: Person,
    readonly jobType: string,
    readonly id: string,
  ) {}

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
    const client = await job.openClient(person);
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
    const client = await this.openClient(person);
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

  /** A client with a user's session, as `createClient` makes it for a page. */
  async openClient(person: Person): Promise<SupabaseClient> {
    const { sockets } = this;
    class Socket extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    const client = createClient(this.stack.api_url, this.stack.publishable_key, {
      auth: {
        autoRefreshToken: false,
        storageKey: `session of ${person.id}`,
        storage: {
          getItem: (name) => this.storage.get(name) ?? null,
          setItem: (name, value) => void this.storage.set(name, value),
          removeItem: (name) => void this.storage.delete(name),
        },
      },
      global: {
        fetch: (url, options) => {
          const address = url instanceof Request ? url.url : String(url);
          this.fetched.push(address);
          const isCut = this.unreachable !== null && address.includes(this.unreachable);
          return isCut ? Promise.reject(new TypeError("no network")) : fetch(url, options);
        },
      },
      realtime: { transport: Socket as never },
    });
    const { data } = await person.client.auth.getSession();
    const { error } = await client.auth.setSession(data.session!);
    assert.equal(error, null);
    return client;
  }

  /** Watches as a page does; what was shown is kept in `seen`. */
  watch(client: SupabaseClient, pace = testPace) {
    const watcher = new JobWatcher(jobSource(client, this.page), this.id, pace);
    const stop = watcher.subscribe(() => this.seen.push(watcher.getSnapshot()));
    return { watcher, stop };
  }

  /** How often job-status was asked. */
  get asked(): number {
    return this.fetched.filter((url) => url.includes("/job-status")).length;
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

  /** The user's token, except that it ends in so many seconds. */
  async tokenOf(client: SupabaseClient, seconds: number): Promise<string> {
    const { data } = await client.auth.getSession();
    const claims = JSON.parse(atob(data.session!.access_token.split(".")[1]!));
    return await new SignJWT({ ...claims, exp: Math.floor(Date.now() / 1000) + seconds })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(new TextEncoder().encode(this.stack.jwt_secret));
  }

  /** The user's session, except that it has to be renewed in so many seconds. */
  async shortSession(client: SupabaseClient, seconds: number): Promise<void> {
    const { data } = await client.auth.getSession();
    const access_token = await this.tokenOf(client, seconds);
    const { refresh_token } = data.session!;
    const { error } = await client.auth.setSession({ access_token, refresh_token });
    assert.equal(error, null);
  }

  /** The stored token gets a signature that nobody made; for the client it stays good for an hour. */
  spoilToken() {
    for (const [name, stored] of this.storage) {
      const session = JSON.parse(stored);
      const token = session.access_token.replace(/[^.]+$/, "c3BvaWx0");
      this.storage.set(name, JSON.stringify({ ...session, access_token: token }));
    }
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
