/** Quotas against a model of them: any order of taking, giving back, changing plans and ending cycles. */
import assert from "node:assert/strict";
import fc from "fast-check";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";

const stack = await readStack();
const quotas = ["syncs", "ai_analyses", "seo_submissions"] as const;
type Quota = typeof quotas[number];
type Units = Record<Quota, number>;

const limits: Record<string, Units> = {
  free: { syncs: 10, ai_analyses: 25, seo_submissions: 0 },
  basic: { syncs: 100, ai_analyses: 250, seo_submissions: 50 },
};
const nothing = (): Units => ({ syncs: 0, ai_analyses: 0, seo_submissions: 0 });

/** What a user should have used, in plain arithmetic. */
class Model {
  tier = "free";
  used = nothing();
  past = nothing();
  cycle = 0;
  isOver = false;
  charges = new Map<number, { quota: Quota; cycle: number; isBack: boolean }>();

  close(): void {
    if (!this.isOver) return;
    for (const quota of quotas) this.past[quota] += this.used[quota];
    this.used = nothing();
    this.cycle++;
    this.isOver = false;
  }

  hasRoom(quota: Quota, amount: number): boolean {
    const used = this.isOver ? 0 : this.used[quota];
    return used + amount <= limits[this.tier]![quota];
  }
}

class Real {
  readonly jobs = Array.from({ length: 12 }, () => crypto.randomUUID());
  constructor(readonly sql: postgres.Sql, readonly user: string) {}

  async ask<T>(query: postgres.PendingQuery<postgres.Row[]>): Promise<T> {
    const [row] = await query;
    return Object.values(row!)[0] as T;
  }
}

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

const consume = fc.tuple(quota, amount).map(([quota, amount]) =>
  step(`consume ${amount} ${quota}`, async (model, { ask, sql, user }) => {
    const taken = await ask(sql`select public.consume_quota(${user}, ${quota}, ${amount})`);
    assert.equal(taken, model.hasRoom(quota, amount));
    model.close();
    if (taken) model.used[quota] += amount;
    const isLeft = await ask(sql`select public.check_quota(${user}, ${quota})`);
    assert.equal(isLeft, model.hasRoom(quota, 1));
  })
);

const adjust = fc.tuple(quota, amount, fc.boolean()).map(([quota, amount, isMore]) =>
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

const charge = fc.tuple(quota, jobs).map(([quota, jobs]) =>
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

const giveBack = jobs.map((jobs) =>
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

const changeTier = fc.constantFrom("free", "basic").map((tier) =>
  step(`change to ${tier}`, async (model, { sql, user }) => {
    model.tier = tier;
    await sql`update public.subscription set tier = ${tier} where user_id = ${user}`;
  })
);

/** Time itself is not moved: everything that the user has is put 32 days, a cycle and a bit, back. */
const age = fc.constant(step("a cycle ends", async (model, { sql, user }) => {
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

const reset = fc.constant(step("reset", async (model, { sql, user }) => {
  model.close();
  await sql`select private.roll_cycles(array[${user}::uuid])`;
}));

Deno.test("quotas add up over every order of taking, giving back and ending that chance can think of", async () => {
  const sql = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  const users: string[] = [];
  try {
    const steps = fc.commands(
      [consume, adjust, charge, charge, giveBack, changeTier, age, reset],
      { maxCommands: 40, size: "max" },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (commands) => {
        const user = crypto.randomUUID();
        users.push(user);
        await sql`insert into auth.users (id, email) values (${user}, ${`${user}@tests.invalid`})`;
        await fc.asyncModelRun(() => ({ model: new Model(), real: new Real(sql, user) }), commands);
      }),
      { numRuns: 40 },
    );
  } finally {
    await sql`delete from private.job_quota where user_id = any(${users})`;
    await sql`delete from auth.users where id = any(${users})`;
    await sql.end();
  }
});
