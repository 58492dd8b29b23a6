import type { StackInfo } from "../../local/stack/info.ts";
import type { Creator } from "./crowd.ts";

/** What frontends and schedules call over HTTP; any other answer than a good one throws. */
export class Api {
  constructor(private readonly stack: StackInfo) {}

  /** `create_job()` of the data API, for the job that does the least; returns its id. */
  async createJob({ id, token }: Creator, params = { steps: 1, step_ms: 0 }): Promise<string> {
    const body = { p_user_id: id, p_job_type: "self_test", p_params: params };
    return await this.#post("rest/v1/rpc/create_job", body, this.#asUser(token)) as string;
  }

  /** The enqueue of the HTTP API: asks for a sync of the caller's channel. */
  async startSync({ token }: Creator): Promise<void> {
    const answer = await this.#post("functions/v1/sync-youtube", {}, this.#asUser(token));
    const { outcome } = answer as { outcome: string };
    if (outcome !== "created") throw new Error(`sync-youtube: ${outcome}, not created`);
  }

  /** Wakes the worker as the doorbell does, and waits until it has nothing left to do. */
  async drainQueue(): Promise<void> {
    const headers = { apikey: this.stack.automation_key };
    await this.#post("functions/v1/job-processor?wait=true", {}, headers);
  }

  #asUser(token: string): Record<string, string> {
    return { apikey: this.stack.publishable_key, authorization: `Bearer ${token}` };
  }

  async #post(path: string, body: unknown, headers: Record<string, string>): Promise<unknown> {
    const response = await fetch(`${this.stack.api_url}/${path}`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}
