/** What is asked of the engine, and how each job must end when nobody interferes with it. */

/** A job to create; `expected` is a status and, for a failure, its code. */
export interface Wanted {
  readonly job_type: string;
  readonly params: Record<string, unknown>;
  readonly expected: readonly string[];
}

/** A pseudo-random sequence that a seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const completed = ["completed"];

/** About `total` jobs, children counted, in random order. */
export function workload(total: number, random: () => number): Wanted[] {
  const whole = (from: number, to: number) => from + Math.floor(random() * (to - from + 1));
  const wanted: Wanted[] = [];
  let jobs = 0;
  for (let n = 0; jobs < total; n++) {
    const dice = random();
    const job = dice < 0.05
      ? batch(n, whole, random)
      : dice < 0.07
      ? selfTest(n, whole, random)
      : dice < 0.27
      ? slow(n, whole)
      : dice < 0.62
      ? { job_type: "chaos_short", params: { n, ms: whole(0, 60) }, expected: completed }
      : dice < 0.82
      ? {
        job_type: "chaos_sliced",
        params: { n, steps: whole(2, 8), step_ms: whole(20, 120), slice: whole(1, 4) },
        expected: completed,
      }
      : dice < 0.86
      ? { job_type: "chaos_rated", params: { n, ms: whole(0, 200) }, expected: completed }
      : dice < 0.89
      ? {
        job_type: "chaos_fragile",
        params: { n, steps: whole(4, 8), step_ms: whole(100, 200), slice: 99 },
        expected: ["completed", "failed WORKER_LOST"],
      }
      : flaky(n, whole, random);
    wanted.push(job);
    jobs += 1 + Number(job.params.children ?? 0) + (job.params.nested ? 3 : 0);
  }
  return wanted;
}

/** Jobs of the system that are created in one call, most of which are over at once. */
export function bulk(count: number, first: number, random: () => number): Wanted[] {
  return Array.from({ length: count }, (_, n) => ({
    job_type: "chaos_silent",
    params: { n: first + n, ms: random() < 0.95 ? Math.floor(random() * 30) : 3_000 },
    expected: completed,
  }));
}

const afterSleep = ["complete", "complete", "fail", "yield", "checkpoint", "progress"];

function slow(n: number, whole: Whole): Wanted {
  const then = afterSleep[n % afterSleep.length]!;
  return {
    job_type: "chaos_slow",
    params: { n, ms: whole(2_000, 4_000), then },
    expected: then === "fail" ? ["failed PROVIDER_REJECTED"] : completed,
  };
}

type Whole = (from: number, to: number) => number;

function flaky(n: number, whole: Whole, random: () => number): Wanted {
  const is_fatal = random() < 0.2;
  return {
    job_type: "chaos_flaky",
    params: { n, failures: whole(0, 4), is_fatal, ms: whole(5, 40) },
    expected: is_fatal ? ["failed PROVIDER_REJECTED"] : completed,
  };
}

function batch(n: number, whole: Whole, random: () => number): Wanted {
  const children = whole(2, 12);
  const failing = random() < 0.4 ? 1 : 0;
  const on_child_failure = random() < 0.4 ? "fail_fast" : "partial";
  return {
    job_type: "chaos_batch",
    params: {
      n,
      children,
      failing,
      on_child_failure,
      when_done: random() < 0.5 ? "complete" : "resume",
      nested: random() < 0.25,
      ms: whole(0, 150),
    },
    expected: failing > 0 && on_child_failure === "fail_fast" ? ["failed CHILD_FAILED"] : completed,
  };
}

function selfTest(n: number, whole: Whole, random: () => number): Wanted {
  const fails = random() < 0.3;
  return {
    job_type: "self_test",
    params: {
      steps: whole(2, 8),
      // Makes each of them a request of its own.
      step_ms: 50 + n % 100,
      yield_every: whole(1, 4),
      ...(random() < 0.3 && { children: whole(1, 4) }),
      ...(fails && { fail: "retryable", fail_attempts: 1 }),
    },
    expected: completed,
  };
}
