/** How attempts end, as steps of the property test. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { attempt, candidates, name } from "./attempt.ts";
import type { ModelJob } from "./job.ts";
import type { Model } from "./model.ts";
import { loseLeases } from "./run.ts";
import { pick, Step } from "./step.ts";

/** The ways to end, each in its batch form, which is also the body of the single form. */
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

/** A frequent step. */
export const endingSteps: fc.Arbitrary<Step>[] = [settle, settle, settle];
