/**
 * Connections against their model: random lives of accounts that several users want, among workers that
 * come too late with old tokens. `STREAMVIBE_MODEL_SEED` repeats the runs of a failure.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import { ConnectionModel, type ModelAccount } from "./connection_model.ts";
import { picture, Real, type Step } from "./connection_real.ts";

const stack = await readStack();
const seed = Deno.env.get("STREAMVIBE_MODEL_SEED");
const RUNS = 40;
const USERS = 2;
const CHANNELS = 3;
const LIMITS = [1, 3];

const step: fc.Arbitrary<Step> = fc.record<Step>({
  act: fc.constantFrom("connect", "connect", "claim", "store", "revoke", "disconnect"),
  account: fc.nat({ max: USERS * CHANNELS - 1 }),
  age: fc.constantFrom(0, 0, 0, 1, 2),
});

Deno.test("a connection keeps its promise over every life that chance can think of", async () => {
  const sql = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });
  let refusals = 0;
  try {
    const steps = fc.array(step, { minLength: 10, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, async (life) => {
        const users = Array.from({ length: USERS }, () => crypto.randomUUID());
        for (const id of users) {
          await sql`insert into auth.users (id, email) values (${id}, ${`${id}@tests.invalid`})`;
        }
        await sql`update public.subscription set tier = 'basic' where user_id = ${users[1]!}`;
        try {
          const model = new ConnectionModel(USERS, CHANNELS, LIMITS);
          const real = new Real(sql, users, crypto.randomUUID());
          for (const one of life) {
            const before = model.accounts[one.account]!.version;
            await real.act(model, one);
            const account = model.accounts[one.account]!;
            if (one.act === "connect" && account.version === before) refusals += 1;
            const row = await real.look(account);
            assert.deepEqual(row && { ...row }, picture(account));
          }
          for (const user of users.keys()) {
            const own = model.accounts.filter((account) => account.user === user);
            const sum = (of: (account: ModelAccount) => number) =>
              own.reduce((total, account) => total + of(account), 0);
            const revocations = sum((account) => account.revocations);
            assert.deepEqual(await real.told(own[0]!), {
              notified: revocations,
              revocations,
              removals: sum((account) => account.removals),
            });
          }
        } finally {
          await sql`delete from auth.users where id = any(${users})`;
        }
      }),
      { numRuns: RUNS, ...(seed !== undefined && { seed: Number(seed) }) },
    );
  } finally {
    await sql.end();
  }
  assert.ok(refusals > RUNS, `limits and other users came into play ${refusals} times`);
});
