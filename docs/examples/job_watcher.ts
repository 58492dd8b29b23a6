/**
 * Follows one job to its end, whatever happens to the socket, the token or the tab.
 *
 * Realtime is a hint and the table is the truth: every message is one whole state with a number, the
 * highest number wins, and `job-status` is asked whenever a message may have been missed: at the
 * start, after every join, when the page comes back, and now and then while all is quiet.
 *
 * Longer than most files here, because it is one state machine and is read as one; when to ask next
 * is in `pace.ts`.
 * @module
 */
import { type JobSource, JobSourceError } from "./job_source.ts";
import { fromBroadcast, hasEnded, type JobState } from "./job_state.ts";
import type { Listening } from "./live_topic.ts";
import { defaultPace, Patience } from "./pace.ts";

/** What a page shows. The object changes only when something in it does. */
export interface JobView {
  readonly job: JobState | null;
  /** `live`: pushed; `polling`: asked for every few seconds; `ended`: nothing more will come. */
  readonly connection: "connecting" | "live" | "polling" | "ended";
  /** Why nothing newer is known; null while all is well. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The view before anything is known. */
export const unknownJob: JobView = { job: null, connection: "connecting", error: null };

/** Watches while somebody is subscribed to it; the shape that `useSyncExternalStore` takes. */
export class JobWatcher {
  readonly #source: JobSource;
  readonly #jobId: string;
  readonly #patience: Patience;
  readonly #subscribers = new Set<() => void>();
  #view = unknownJob;
  /** One run lasts from the first subscriber to the last; answers that come later are dropped. */
  #run: AbortController | null = null;
  #listening: Listening | null = null;
  #stopWaking = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLive = false;
  #hasAskedSinceLive = false;
  #isAsking = false;
  #mustAskAgain = false;
  /** What an answer brought although a push should have. */
  #owed: { readonly seq: number; readonly since: number } | null = null;

  constructor(source: JobSource, jobId: string, pace = defaultPace) {
    this.#source = source;
    this.#jobId = jobId;
    this.#patience = new Patience(pace);
  }

  /** What is known now. */
  readonly getSnapshot = (): JobView => this.#view;

  /** Calls back after every change; returns what ends that. */
  readonly subscribe = (onChange: () => void): () => void => {
    this.#subscribers.add(onChange);
    if (this.#subscribers.size === 1) this.#start();
    return () => {
      if (this.#subscribers.delete(onChange) && this.#subscribers.size === 0) this.#stop();
    };
  };

  /** Looks now; after `job-retry`, which brings an ended job back, for example. */
  readonly refresh = (): void => {
    this.#patience.hurry();
    this.#askIn(0);
  };

  #start(): void {
    this.#run = new AbortController();
    this.#stopWaking = this.#source.onWake(() => {
      if (this.#view.connection === "ended") return;
      this.refresh();
      // The socket slept with the page; its own next attempt may be far away.
      if (!this.#isLive) this.#listening?.rejoin();
    });
    this.#listen();
    this.#askIn(0);
  }

  #stop(): void {
    this.#run?.abort();
    this.#run = null;
    this.#stopWaking();
    this.#stopListening();
  }

  #listen(): void {
    this.#listening ??= this.#source.listen(this.#jobId, (payload) => this.#hear(payload), (is) => {
      this.#isLive = is;
      this.#hasAskedSinceLive = false;
      this.#owed = null;
      this.#patience.hurry();
      this.#show({});
      // Live: what was said before is not said again. No longer live: now we have to ask.
      this.#askIn(is ? 0 : this.#pause());
    });
  }

  #stopListening(): void {
    clearTimeout(this.#timer);
    this.#listening?.stop();
    this.#listening = null;
    this.#isLive = false;
  }

  #hear(payload: unknown): void {
    const state = fromBroadcast(payload, this.#view.job);
    if (state?.id !== this.#jobId || !this.#run) return;
    if (this.#owed && state.seq >= this.#owed.seq) this.#owed = null;
    if (state.seq <= (this.#view.job?.seq ?? -1)) return;
    this.#patience.hurry();
    // A result too large to be broadcast has to be fetched.
    this.#askIn(state.result === undefined ? 0 : this.#pause());
    this.#learn(state);
  }

  #askIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#run) this.#timer = setTimeout(() => this.#ask(), ms);
  }

  async #ask(): Promise<void> {
    const run = this.#run;
    // The answer under way may have been given before what makes us ask.
    if (this.#isAsking) this.#mustAskAgain = true;
    if (this.#isAsking || !run) return;
    this.#isAsking = true;
    const isCheck = this.#isLive && this.#hasAskedSinceLive;
    this.#hasAskedSinceLive = this.#isLive;
    try {
      const state = await this.#source.ask(this.#jobId, run.signal);
      if (!run.signal.aborted) this.#answered(state, isCheck);
    } catch (error) {
      if (!run.signal.aborted) this.#failed(error);
    } finally {
      this.#isAsking = false;
      if (this.#mustAskAgain) this.#askIn(0);
      this.#mustAskAgain = false;
    }
  }

  #answered(state: JobState, isCheck: boolean): void {
    const known = this.#view.job?.seq ?? -1;
    const isNews = state.seq > known;
    this.#patience.answered(isNews);
    this.#askIn(this.#pause());
    if (this.#owed && Date.now() - this.#owed.since >= this.#patience.grace) {
      // Still not pushed: the socket is open, and deaf.
      this.#owed = null;
      this.#listening?.rejoin();
    } else if (isCheck && isNews && this.#isLive) {
      this.#owed ??= { seq: state.seq, since: Date.now() };
      this.#askIn(this.#patience.grace);
    }
    // At the same number an answer knows more than a push: the estimate, the children, the result.
    if (state.seq >= known) this.#learn(state);
  }

  #failed(error: unknown): void {
    const { code, message, status, retryAfterMs } = error instanceof JobSourceError
      ? error
      : new JobSourceError("UNREACHABLE", String(error));
    this.#patience.failed();
    this.#askIn(Math.max(retryAfterMs, this.#pause()));
    if (status === 404) this.#stopListening();
    // Who may not see the job, or no longer may, does not go on seeing it.
    if (status === 401 || status === 403 || status === 404) {
      this.#show({ job: null, error: { code, message } });
    } else if (!this.#isLive) this.#show({ error: { code, message } });
  }

  #learn(job: JobState): void {
    const isFinal = hasEnded(job) && job.result !== undefined;
    if (isFinal) this.#stopListening();
    else this.#listen();
    this.#show({ job, error: null });
  }

  #pause(): number {
    return this.#patience.pause(
      this.#source.isHidden() ? "hidden" : this.#isLive ? "live" : "polling",
    );
  }

  #show(change: Partial<JobView>): void {
    const { job, error } = { ...this.#view, ...change };
    const isKnown = job !== null || error !== null;
    const connection = !this.#listening && isKnown
      ? "ended"
      : this.#isLive
      ? "live"
      : isKnown
      ? "polling"
      : "connecting";
    const before = this.#view;
    if (job === before.job && error === before.error && connection === before.connection) return;
    this.#view = { job, error, connection };
    for (const onChange of [...this.#subscribers]) onChange();
  }
}
