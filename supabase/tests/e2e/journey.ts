/** A creator's way through one platform, on which everything is remembered that nobody may find afterwards. */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import type { Database } from "../../functions/_shared/database.types.ts";
import type { StackInfo } from "../../../local/stack/info.ts";
import { Person } from "./person.ts";
import { accountWith, addFault, removeFault } from "./simulator.ts";

/** Where each platform hands out tokens and takes them back. */
export const tokenPaths = {
  youtube: "/google/",
  instagram: "/instagram/",
  tiktok: "/tiktok/v2/oauth/",
  facebook: "/facebook/",
};

/** A platform that accounts can be connected from. */
export type Platform = keyof typeof tokenPaths;

/** One creator, one platform. */
export class Journey implements AsyncDisposable {
  readonly account = accountWith(3);
  /** Tokens, codes, states and verifiers, as they are and as they stand in an address. */
  readonly secrets = new Set<string>();
  /** What the functions answered. */
  readonly heard: string[] = [];
  readonly #faults: string[] = [];
  readonly #sql: postgres.Sql;
  readonly #service;

  private constructor(
    readonly stack: StackInfo,
    readonly platform: Platform,
    readonly creator: Person,
  ) {
    this.#sql = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });
    this.#service = createClient<Database>(stack.api_url, stack.secret_key, {
      auth: { persistSession: false, autoRefreshToken: false },
    });
  }

  /** Signs a creator up. */
  static async begin(stack: StackInfo, platform: Platform): Promise<Journey> {
    return new Journey(stack, platform, await Person.signUp(stack));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#faults) await removeFault(this.stack, id);
    await this.#sql.end();
  }

  /** Has the next call to the platform fail, whoever makes it: an exchange does not tell whose it is. */
  async fault(kind: string): Promise<void> {
    const path = tokenPaths[this.platform];
    const { id } = await addFault(this.stack, this.account, { kind, path, account: undefined });
    this.#faults.push(id);
  }

  /** Begins an authorization and decides; returns where the platform sends the browser back. */
  async consent(decision: "approve" | "deny"): Promise<URL> {
    const init = await this.call(`oauth-${this.platform}-init`, {});
    const url = new URL(String(init.body.authorization_url));
    const state = this.#keep(url.searchParams.get("state"));
    const [pending] = await this.#sql<{ code_verifier: string }[]>`
      select code_verifier from private.oauth_state
      where state_hash = rtrim(translate(encode(sha256(${state}::bytea), 'base64'), '+/', '-_'), '=')`;
    this.#keep(pending?.code_verifier);
    url.searchParams.set("login_hint", this.account);
    const headers = { "x-simulator-consent": decision };
    const redirect = await fetch(url, { redirect: "manual", headers });
    await redirect.body?.cancel();
    return new URL(redirect.headers.get("location")!);
  }

  /** Comes back and hands in what the page was given; what the platform sent back is handed in if need be. */
  async finish(back: URL): Promise<{ status: number; body: Record<string, unknown> }> {
    const passed = await fetch(back, { redirect: "manual" });
    await passed.body?.cancel();
    const page = new URL(passed.headers.get("location")!).searchParams;
    if (page.has("code")) this.#keep(page.get("code"));
    return await this.call(`oauth-${this.platform}-callback`, {
      code: page.get("code") ?? "none",
      state: page.get("state") ?? back.searchParams.get("state"),
    });
  }

  /** Connects; returns the social account's id. */
  async connect(): Promise<string> {
    const { status, body } = await this.finish(await this.consent("approve"));
    assert.equal(status, 200, JSON.stringify(body));
    const id = String(body.social_account_id);
    await this.keepTokens(id);
    return id;
  }

  /** Calls a function in the creator's name and remembers the answer. */
  async call(path: string, body?: unknown) {
    const answer = await this.creator.call(path, body);
    // The address of the consent page has the state: that is what it is for.
    const { authorization_url: _page, ...rest } = answer.body;
    this.heard.push(JSON.stringify(rest));
    return answer;
  }

  /** Remembers the tokens that a connection has now. */
  async keepTokens(socialAccountId: string): Promise<void> {
    const { data } = await this.#service
      .rpc("get_connection_tokens", { p_social_account_id: socialAccountId })
      .single().throwOnError();
    this.#keep(data.access_token);
    if (data.refresh_token) this.#keep(data.refresh_token);
  }

  /** Has an account's access token end so soon. */
  async endSoon(socialAccountId: string, after: string): Promise<void> {
    await this.#sql`
      update public.platform_connection set token_expires_at = now() + ${after}::interval
      where id = (select connection_id from public.social_account where id = ${socialAccountId})`;
  }

  /** Has the schedule renew the tokens now; says how the first attempt ended. */
  async renew(socialAccountId: string): Promise<"renewed" | "ended" | "failed"> {
    await this.endSoon(socialAccountId, "20 minutes");
    const answer = await fetch(`${this.stack.api_url}/functions/v1/refresh-oauth-tokens`, {
      method: "POST",
      headers: { apikey: this.stack.automation_key, "content-type": "application/json" },
      body: "{}",
    });
    this.heard.push(await answer.text());
    assert.equal(answer.status, 202);
    for (const deadline = Date.now() + 60_000;;) {
      const [job] = await this.#sql<{ retry_count: number; outcome: "renewed" | "ended" | null }[]>`
        select retry_count, result ->> 'outcome' as outcome from public.job_queue
        where job_type = 'token_refresh' and params ->> 'social_account_id' = ${socialAccountId}
        order by created_at desc limit 1`;
      if (job?.outcome) return job.outcome;
      if (job && job.retry_count > 0) return "failed";
      assert.ok(Date.now() < deadline, job ? "still not done" : "no job");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  #keep(secret: string | null | undefined): string {
    assert.ok(secret && secret.length >= 20, `too short to look for: ${secret?.length}`);
    this.secrets.add(secret).add(encodeURIComponent(secret));
    return secret;
  }
}
