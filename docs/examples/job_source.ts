/**
 * Where a watcher learns of its job: `job-status` over HTTP, the job's private topic, and the page.
 * @module
 */
import { FunctionsHttpError, type SupabaseClient } from "@supabase/supabase-js";
import { fromStatus, type JobState } from "./job_state.ts";
import { listen, type Listening } from "./live_topic.ts";

/** What a watcher needs; a test hands in its own. */
export interface JobSource {
  /** The state as the server knows it; throws a {@link JobSourceError}. */
  ask(jobId: string, signal: AbortSignal): Promise<JobState>;
  /** Listens to what is said about the job; `onLive` as in `live_topic.ts`. */
  listen(
    jobId: string,
    onMessage: (payload: unknown) => void,
    onLive: (isLive: boolean) => void,
  ): Listening;
  /** Calls back when the page is seen again, is online again, or has a new session. */
  onWake(wake: () => void): () => void;
  /** True while nobody looks. */
  isHidden(): boolean;
}

/** Why the server did not say what was asked. */
export class JobSourceError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number | null = null,
    readonly retryAfterMs = 0,
  ) {
    super(message);
  }
}

/** The part of a browser's window that says whether anybody looks. */
export interface Page {
  readonly window: EventTarget;
  readonly document: EventTarget & { readonly visibilityState?: string };
}

const askMs = 10_000;

/** The page this runs in; null on a server. */
function thisPage(): Page | null {
  const { document } = globalThis as { document?: Page["document"] };
  return document ? { window: globalThis, document } : null;
}

/** A source for the jobs of the user who is signed in at this client. */
export function jobSource(client: SupabaseClient, page: Page | null = thisPage()): JobSource {
  return {
    async ask(jobId, signal) {
      try {
        return await askStatus(client, jobId, signal);
      } catch (error) {
        // Our clock may say that the token is still good; the server has the last word.
        if (!(error instanceof JobSourceError) || error.status !== 401) throw error;
        await renewSession(client);
        return await askStatus(client, jobId, signal);
      }
    },
    listen: (jobId, onMessage, onLive) =>
      listen(client, `job_status:${jobId}`, { onMessage, onLive }),
    onWake(wake) {
      const onVisible = () => page?.document.visibilityState !== "hidden" && wake();
      page?.document.addEventListener("visibilitychange", onVisible);
      for (const event of ["online", "pageshow"]) page?.window.addEventListener(event, onVisible);
      const stopAuth = onNewSession(client, wake);
      return () => {
        page?.document.removeEventListener("visibilitychange", onVisible);
        for (const event of ["online", "pageshow"]) {
          page?.window.removeEventListener(event, onVisible);
        }
        stopAuth();
      };
    },
    isHidden: () => page?.document.visibilityState === "hidden",
  };
}

async function askStatus(
  client: SupabaseClient,
  jobId: string,
  signal: AbortSignal,
): Promise<JobState> {
  const { data, error } = await client.functions.invoke(
    `job-status?job_id=${encodeURIComponent(jobId)}`,
    { method: "GET", signal, timeout: askMs },
  );
  if (error instanceof FunctionsHttpError) throw await refusal(error.context);
  if (error) throw new JobSourceError("UNREACHABLE", String(error));
  const state = fromStatus(data);
  if (!state) throw new JobSourceError("UNREADABLE", "job-status answered something unexpected.");
  return state;
}

async function refusal(response: Response): Promise<JobSourceError> {
  const { error } = await response.json().catch(() => ({})) as {
    error?: { code?: string; message?: string };
  };
  return new JobSourceError(
    error?.code ?? "UNREACHABLE",
    error?.message ?? `job-status answered ${response.status}.`,
    response.status,
    1000 * (Number(response.headers.get("retry-after")) || 0),
  );
}

// A client made with the option `accessToken` has an `auth` that only throws; the option itself hands
// out fresh tokens.
function authOf(client: SupabaseClient): SupabaseClient["auth"] | null {
  try {
    void client.auth.getSession;
    return client.auth;
  } catch {
    return null;
  }
}

async function renewSession(client: SupabaseClient): Promise<void> {
  await authOf(client)?.refreshSession();
}

function onNewSession(client: SupabaseClient, wake: () => void): () => void {
  const listening = authOf(client)?.onAuthStateChange((event) => {
    // Later, since the session is locked while this runs.
    if (event === "SIGNED_IN" || event === "TOKEN_REFRESHED") setTimeout(wake);
  });
  return () => listening?.data.subscription.unsubscribe();
}
