/** Quotas against a model of them: any order of taking, giving back, changing plans and ending cycles. */
import fc from "fast-check";
import postgres from "postgres";
import { readStack } from "../../../local/stack/client.ts";
import { Model, Real } from "./quota_model.ts";
import { adjust, age, changeTier, charge, consume, giveBack, reset } from "./quota_steps.ts";

const stack = await readStack();

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
