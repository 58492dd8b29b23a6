/** What workers write while they work, as steps of the property test. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { attempt, byAttempt } from "./attempt.ts";
import { loseLeases } from "./run.ts";
import { Step } from "./step.ts";

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

/** Steps of workers at work, the frequent ones more than once. */
export const writeSteps: fc.Arbitrary<Step>[] = [progress, progress, checkpoint, log, heartbeat];
