/**
 * The people of the end-to-end tests. They only do what a frontend can do: an unmodified
 * supabase-js client, the functions over HTTP, and a browser's redirects.
 */
import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import type { Database } from "../../functions/_shared/database.types.ts";
import { codeFromMail } from "../../../local/mailbox/code_from_mail.ts";
import type { StackInfo } from "../../../local/stack/info.ts";

/** What a function answered. */
export type Answer = { status: number; headers: Headers; body: Record<string, unknown> };

/** A signed-in user, or nobody in particular when `token` is the publishable key. */
export class Person {
  private constructor(
    readonly stack: StackInfo,
    readonly client: SupabaseClient<Database>,
    readonly id: string,
    readonly token: string,
  ) {}

  /** Signs a new user up with a random address, proved by the code in the mail. */
  static async signUp(stack: StackInfo): Promise<Person> {
    const client = createClient<Database>(stack.api_url, stack.publishable_key, {
      auth: { autoRefreshToken: false, persistSession: false },
    });
    const email = `${crypto.randomUUID()}@example.com`;
    const signedUp = await client.auth.signUp({ email, password: `Aa1-${crypto.randomUUID()}` });
    assert.equal(signedUp.error, null);
    const token = await codeFromMail(stack.mail_url, email);
    const { data, error } = await client.auth.verifyOtp({ email, token, type: "signup" });
    assert.equal(error, null);
    assert.ok(data.user && data.session, "a proved address gets a session");
    await client.realtime.setAuth(data.session.access_token);
    return new Person(stack, client, data.user.id, data.session.access_token);
  }

  /** Somebody with the publishable key only. */
  static anonymous(stack: StackInfo): Person {
    const client = createClient<Database>(stack.api_url, stack.publishable_key, {
      auth: { autoRefreshToken: false, persistSession: false },
    });
    return new Person(stack, client, "", "");
  }

  /** Calls a function. A body makes it a POST. */
  async call(path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.stack.api_url}/functions/v1/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        apikey: this.stack.publishable_key,
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** Connects a YouTube account; see {@link connect}. */
  connectYouTube(email: string): Promise<string> {
    return this.connect("youtube", email);
  }

  /**
   * Connects an account through the real functions and the simulated consent page.
   *
   * @param email The account to choose; `anything+1000@…` has 1 000 items.
   * @returns The id of the social account.
   */
  async connect(platform: string, email: string): Promise<string> {
    const init = await this.call(`oauth-${platform}-init`, {});
    assert.equal(init.status, 200, JSON.stringify(init.body));
    const consent = new URL(String(init.body.authorization_url));
    consent.searchParams.set("login_hint", email);
    const redirect = await fetch(consent, { redirect: "manual" });
    await redirect.body?.cancel();
    const callback = redirect.headers.get("location");
    assert.ok(callback, `the consent page redirects (status ${redirect.status})`);
    const back = await fetch(callback, { redirect: "manual" });
    await back.body?.cancel();
    assert.equal(back.status, 303, "the callback passes the browser on");
    const page = new URL(back.headers.get("location")!).searchParams;
    const connected = await this.call(`oauth-${platform}-callback`, {
      code: page.get("code"),
      state: page.get("state"),
    });
    assert.equal(connected.status, 200, JSON.stringify(connected.body));
    return String(connected.body.social_account_id);
  }

  /** Puts this user on a plan, as a payment would. */
  async subscribe(tier: string): Promise<void> {
    const service = createClient<Database>(this.stack.api_url, this.stack.secret_key, {
      auth: { autoRefreshToken: false, persistSession: false },
    });
    await service.from("subscription").update({ tier }).eq("user_id", this.id).throwOnError();
  }

  /** Starts a sync and returns the id of its job. */
  async startSync(
    body: Record<string, unknown> = {},
    platform = "youtube",
  ): Promise<string> {
    const answer = await this.call(`sync-${platform}`, body);
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    return String(answer.body.job_id);
  }

  /** The job as its owner reads it. */
  async job(id: string) {
    const { data } = await this.client.from("job_queue").select("*").eq("id", id).single()
      .throwOnError();
    return data;
  }

  /** Asks until the job is as wanted; says what it was when that takes too long. */
  async waitForJob(
    id: string,
    wanted: (job: Awaited<ReturnType<Person["job"]>>) => boolean,
    timeoutMs = 60_000,
  ) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const job = await this.job(id);
      if (wanted(job)) return job;
      assert.ok(Date.now() < deadline, `still not as wanted: ${JSON.stringify(job)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Closes the client's sockets, so that a test leaves nothing open. */
  async leave(): Promise<void> {
    await this.client.removeAllChannels();
    this.client.realtime.disconnect();
  }
}

/** Has the job ended, one way or another? */
export const ended = (job: { status: string }) =>
  ["completed", "failed", "cancelled"].includes(job.status);
