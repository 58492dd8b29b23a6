/** What can happen to a user's quotas, done to the database and to a model of it. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type postgres from "postgres";

import { type Model, quotas, type Real } from "./quota_model.ts";

type Act = (model: Model, real: Real) => Promise<void>;

class Step implements fc.AsyncCommand<Model, Real> {
  constructor(readonly name: string, readonly act: Act) {}
  check = () => true;
  toString = () => this.name;

  async run(model: Model, real: Real): Promise<void> {
    await this.act(model, real);
    const [row] = await real.sql`
      select own.syncs_used, own.ai_analyses_used, own.seo_submissions_used,
        coalesce(sum(past.syncs_used), 0)::int as past_syncs,
        coalesce(sum(past.ai_analyses_used), 0)::int as past_ai,
        coalesce(sum(past.seo_submissions_used), 0)::int as past_seo,
        -- Each cycle begins where one ended, but for the very first.
        count(*) filter (where past.user_id is not null and not exists (
          select from public.quota_usage_history as next
          where next.user_id = own.user_id and next.cycle_start = past.cycle_end)
          and past.cycle_end <> own.cycle_start)::int as gaps
      from public.subscription as own
      left join public.quota_usage_history as past on past.user_id = own.user_id
      where own.user_id = ${real.user}
      group by own.user_id`;
    assert.deepEqual({ ...row }, {
      syncs_used: model.used.syncs,
      ai_analyses_used: model.used.ai_analyses,
      seo_submissions_used: model.used.seo_submissions,
      past_syncs: model.past.syncs,
      past_ai: model.past.ai_analyses,
      past_seo: model.past.seo_submissions,
      gaps: 0,
    }, this.name);
  }
}

const step = (name: string, act: Act) => new Step(name, act);
const quota = fc.constantFrom(...quotas);
const amount = fc.integer({ min: 1, max: 12 });
const jobs = fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 5 });

export const consume = fc.tuple(quota, amount).map(([quota, amount]) =>
  step(`consume ${amount} ${quota}`, async (model, { ask, sql, user }) => {
    const taken = await ask(sql`select public.consume_quota(${user}, ${quota}, ${amount})`);
    assert.equal(taken, model.hasRoom(quota, amount));
    model.close();
    if (taken) model.used[quota] += amount;
    const isLeft = await ask(sql`select public.check_quota(${user}, ${quota})`);
    assert.equal(isLeft, model.hasRoom(quota, 1));
  })
);

export const adjust = fc.tuple(quota, amount, fc.boolean()).map(([quota, amount, isMore]) =>
  step(`${isMore ? "increment" : "decrement"} ${quota} by ${amount}`, async (model, real) => {
    const { ask, sql, user } = real;
    model.close();
    model.used[quota] = Math.max(0, model.used[quota] + (isMore ? amount : -amount));
    const used = await ask(
      isMore
        ? sql`select public.increment_quota(${user}, ${quota}, ${amount})`
        : sql`select public.decrement_quota(${user}, ${quota}, ${amount})`,
    );
    assert.equal(used, model.used[quota]);
  })
);

export const charge = fc.tuple(quota, jobs).map(([quota, jobs]) =>
  step(`charge ${quota} for ${jobs}`, async (model, real) => {
    const unpaid = jobs.filter((job) => model.charges.get(job)?.isBack ?? true);
    const fits = unpaid.length === 0 || model.hasRoom(quota, unpaid.length);
    const ids = jobs.map((job) => real.jobs[job]!);
    const users = jobs.map(() => real.user);
    const refusal = await real.sql`
      select private.charge_job_quotas(${ids}, ${users}, ${jobs.map(() => quota)})`
      .then(() => null, (error: postgres.PostgresError) => error.hint);
    assert.equal(refusal, fits ? null : "QUOTA_EXCEEDED");
    if (!fits || unpaid.length === 0) return;
    model.close();
    model.used[quota] += unpaid.length;
    for (const job of unpaid) model.charges.set(job, { quota, cycle: model.cycle, isBack: false });
  })
);

export const giveBack = jobs.map((jobs) =>
  step(`give back ${jobs}`, async (model, { ask, sql, jobs: ids }) => {
    let expected = 0;
    for (const charge of jobs.flatMap((job) => model.charges.get(job) ?? [])) {
      if (!charge.isBack && charge.cycle === model.cycle) {
        expected++;
        model.used[charge.quota] = Math.max(0, model.used[charge.quota] - 1);
      }
      charge.isBack = true;
    }
    const asked = jobs.map((job) => ids[job]!);
    assert.equal(await ask(sql`select private.give_back_job_quotas(${asked})`), expected);
  })
);

export const changeTier = fc.constantFrom("free", "basic").map((tier) =>
  step(`change to ${tier}`, async (model, { sql, user }) => {
    model.tier = tier;
    await sql`update public.subscription set tier = ${tier} where user_id = ${user}`;
  })
);

/** Time itself is not moved: everything that the user has is put 32 days, a cycle and a bit, back. */
export const age = fc.constant(step("a cycle ends", async (model, { sql, user }) => {
  model.isOver = true;
  await sql`
    with moved as (
      update public.subscription
      set cycle_start = cycle_start - interval '768 hours', cycle_end = cycle_end - interval '768 hours',
        anchor_day = extract(day from (cycle_end - interval '768 hours') at time zone 'UTC')
      where user_id = ${user}
    ),
    charges as (
      update private.job_quota set cycle_start = cycle_start - interval '768 hours' where user_id = ${user}
    )
    update public.quota_usage_history
    set cycle_start = cycle_start - interval '768 hours', cycle_end = cycle_end - interval '768 hours'
    where user_id = ${user}`;
}));

export const reset = fc.constant(step("reset", async (model, { sql, user }) => {
  model.close();
  await sql`select private.roll_cycles(array[${user}::uuid])`;
}));
