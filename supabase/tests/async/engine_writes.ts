/** What workers do with the tokens they hold or once held, as steps of the property test. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { pick, Step } from "./engine_commands.ts";
import type { ModelJob } from "./engine_job.ts";
import type { Attempt, Model } from "./engine_model.ts";
import { type EngineRun, loseLeases } from "./engine_run.ts";

/** Zombies try as often as workers that still hold the job. */
export const attempt = fc.record({ n: fc.nat({ max: 999 }), isLive: fc.boolean() });
type Pick = { n: number; isLive: boolean };

const name = ({ n, isLive }: Pick) => `${isLive ? "holder" : "anybody"} ${n}`;

function candidates(model: Readonly<Model>, isLive: boolean): Attempt[] {
  return model.attempts.filter(({ job, token }) => !isLive || job.isHeldBy(token));
}

/** A step that one attempt takes. */
export function byAttempt(
  text: string,
  who: Pick,
  run: (attempt: Attempt, model: Model, run: EngineRun) => Promise<void>,
): Step {
  return new Step(
    `${text} by ${name(who)}`,
    (model) => candidates(model, who.isLive).length > 0,
    (model, real) => run(pick(candidates(model, who.isLive), who.n), model, real),
  );
}

const percent = fc.integer({ min: -5, max: 110 });
const message = fc.option(fc.constantFrom("one", "two", "three"));

const progress = fc.record({ who: attempt, percent, message }).map(({ who, percent, message }) =>
  byAttempt(`progress(${percent}, ${message})`, who, async ({ job, token }, model, run) => {
    const isHeld = job.isHeldBy(token);
    if (isHeld) job.progress(percent, message);
    const [answer] = await run.own.sql`
      select public.update_job_progress(${job.id}, ${percent}, ${message}, ${token}) as recorded`;
    assert.equal(answer!.recorded, isHeld);
    await run.verify(model, "write", isHeld ? [job] : []);
  })
);

const checkpoint = fc.record({ who: attempt, percent, step: fc.nat({ max: 9 }) }).map((
  { who, percent, step },
) =>
  byAttempt(`checkpoint(${step}, ${percent})`, who, async ({ job, token }, model, run) => {
    const { sql } = run.own;
    const isHeld = job.isHeldBy(token);
    if (isHeld) {
      job.saveCheckpoint({ step });
      job.progress(percent, null);
    }
    const [answer] = await sql`
      select public.save_job_checkpoint(${job.id}, ${token}, ${
      sql.json({ step })
    }, ${percent}) as recorded`;
    assert.equal(answer!.recorded, isHeld);
    await run.verify(model, "write", isHeld ? [job] : []);
  })
);

const log = attempt.map((who) =>
  byAttempt("log", who, async ({ job, token }, model, run) => {
    const { sql } = run.own;
    // Who settled a job may still say so, until the token has moved on.
    const isHeard = job.hasToken(token);
    if (isHeard) job.lines++;
    const [answer] = await sql`
      select public.add_job_log(${job.id}, 'info', 'a line', '{}', ${token}) as recorded`;
    assert.equal(answer!.recorded, isHeard, "a line is heard from the current attempt only");
    const [log] = await sql`
      select count(*)::int as lines from public.job_log where job_id = ${job.id}`;
    assert.equal(log!.lines, job.lines);
    await run.verify(model, "write", []);
  })
);

/** How attempts end, each in its batch form, which is also the body of the single form. */
const endings = {
  complete: {
    event: "complete",
    given: (worker: string) => ({ result: { by: worker } }),
    foresee: (job: ModelJob, model: Model, worker: string) => {
      job.complete({ by: worker }, model.nextCompletion());
      return true;
    },
  },
  retry: {
    event: "fail",
    given: () => ({ error_code: "PROVIDER_UNAVAILABLE", error_message: "down", retryable: true }),
    foresee: (job: ModelJob) => {
      job.fail("PROVIDER_UNAVAILABLE", true, false);
      return job.row.status;
    },
  },
  retryAtOnce: {
    event: "fail",
    given: () => ({
      error_code: "PROVIDER_RATE_LIMITED",
      error_message: "busy",
      retry_after_ms: 0,
    }),
    foresee: (job: ModelJob) => {
      job.fail("PROVIDER_RATE_LIMITED", true, true);
      return job.row.status;
    },
  },
  giveUp: {
    event: "fail",
    given: () => ({ error_code: "HANDLER_ERROR", error_message: "no", retryable: false }),
    foresee: (job: ModelJob) => {
      job.fail("HANDLER_ERROR", false, false);
      return job.row.status;
    },
  },
  yield: {
    event: "yield",
    given: (worker: string) => ({ checkpoint: { by: worker } }),
    foresee: (job: ModelJob, _: Model, worker: string) => {
      job.yield({ by: worker }, true);
      return true;
    },
  },
  snooze: {
    event: "yield",
    given: () => ({ delay_ms: 3_600_000 }),
    foresee: (job: ModelJob) => {
      job.yield(null, false);
      return true;
    },
  },
} as const;

const ending = fc.constantFrom(
  "complete" as const, // Twice, or few lives come to their good end.
  ...Object.keys(endings) as (keyof typeof endings)[],
);

const settle = fc.record({
  first: attempt,
  others: fc.array(attempt, { maxLength: 3 }),
  kind: ending,
  isLate: fc.boolean(),
}).map(({ first, others, kind, isLate }) =>
  new Step(
    `${kind}${isLate ? " late" : ""} by ${[first, ...others].map(name).join(", ")}`,
    (model) => candidates(model, first.isLive).length > 0,
    async (model, run) => {
      const chosen = [first, ...others].flatMap(({ n, isLive }) => {
        const among = candidates(model, isLive);
        return among.length > 0 ? [pick(among, n)] : [];
      });
      // A classic worker settles one job at a time.
      const attempts = chosen.some(({ token }) => token === null) ? chosen.slice(0, 1) : chosen;
      const { event, given, foresee } = endings[kind];
      const list = attempts.map(({ job, token, worker }) => ({
        job_id: job.id,
        fencing_token: token,
        ...given(worker),
      }));
      // Of a job's attempts in one batch, the one that holds it counts.
      const holders = attempts.filter(({ job, token }) => job.isHeldBy(token));
      const told = new Map<string, unknown>(
        attempts.map(({ job }) => [job.id, event === "fail" ? null : false]),
      );
      const written = new Map(holders.map((holder) => [holder.job, holder]));
      for (const [job, { worker }] of written) told.set(job.id, foresee(job, model, worker));
      model.ended([...written.keys()].filter((job) => !job.isActive));

      const answers = await run.own.sql.begin(async (tx) => {
        // Until it is taken back, a job whose lease ran out is still its worker's to end.
        if (isLate) await loseLeases(tx, [...written.keys()].map(({ id }) => id));
        return await tx<{ job_id: string; told: unknown }[]>`
          select job_id, ${tx(event === "fail" ? "status" : "recorded")} as told
          from ${tx(`public.${event}_jobs`)}(${tx.json(list)})`;
      });
      assert.deepEqual(new Map(answers.map((row) => [row.job_id, row.told])), told);
      await run.verify(model, event, [...written.keys()]);
    },
  )
);

const heartbeat = fc.constantFrom("a", "b", "c").map((worker) =>
  new Step(`heartbeat(${worker})`, () => true, async (model, run) => {
    const mine = model.attempts.filter((each) => each.worker === worker && each.token !== null);
    const held = new Set(
      mine.filter(({ job, token }) => job.isHeldBy(token)).map(({ job }) => job),
    );
    const leases = mine.map(({ job, token }) => ({ job_id: job.id, fencing_token: token }));
    const ids = (state: "held" | "cancelled" | "lost") =>
      [...new Set(mine.map(({ job }) => job))].filter((job) =>
        state ===
          (held.has(job) ? "held" : job.row.status === "cancelled" ? "cancelled" : "lost")
      ).map(({ id }) => id).sort();

    const answer = await run.own.sql.begin(async (tx) => {
      await loseLeases(tx, ids("held"));
      const [row] = await tx<{ answer: Record<string, string[]> }[]>`
        select public.heartbeat(${`model-${worker}`}, ${tx.json(leases)}, 0, 0) as answer`;
      const [lapsed] = await tx`
        select count(*)::int as jobs from public.job_queue
        where id = any(${ids("held")}::uuid[]) and lease_expires_at <= now()`;
      assert.equal(lapsed!.jobs, 0, "every held lease is extended");
      await tx`select public.unregister_worker(${`model-${worker}`})`;
      return row!.answer;
    });
    for (const state of ["held", "cancelled", "lost"] as const) {
      assert.deepEqual(answer[state]!.toSorted(), ids(state), state);
    }
    await run.verify(model, "write", [], ["lease_expires_at", "slice_started_at"]);
  })
);

/** Steps that workers take, the frequent ones more than once. */
export const workerSteps: fc.Arbitrary<Step>[] = [
  progress,
  progress,
  checkpoint,
  log,
  settle,
  settle,
  settle,
  heartbeat,
];
