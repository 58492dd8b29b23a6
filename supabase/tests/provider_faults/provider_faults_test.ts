/** Every switch of the simulators, on every platform that is synced, has the outcome of the table. */
import assert from "node:assert/strict";
import postgres from "postgres";
import { faultKinds } from "../../../local/providers/faults.ts";
import { readStack } from "../../../local/stack/client.ts";
import { contentSources } from "../../functions/_shared/platforms/registry.ts";
import { assertEnd, connectionWord, jobWord, waits } from "./checks.ts";
import { allPlatforms, elsewhere, type Platform, type Row } from "./rows.ts";
import { openSyncs, type Syncs } from "./sync_jobs.ts";
import { table } from "./table.ts";
import { withAccount } from "./worlds.ts";

/** As many runs as any row has, and some more. */
const MAX_RUNS = 8;

const { db_url } = await readStack();

async function withSyncs(run: (sql: postgres.Sql, syncs: Syncs) => Promise<void>): Promise<void> {
  const sql = postgres(db_url, { max: 3, onnotice: () => {} });
  try {
    await using syncs = await openSyncs(sql, db_url);
    await run(sql, syncs);
  } finally {
    await sql.end();
  }
}

/** A provider's 15 seconds are one here; the database has all its time. */
function inHaste(): Disposable {
  const real = AbortSignal.timeout;
  AbortSignal.timeout = (ms) => real(ms === 15_000 ? 1_000 : ms);
  return { [Symbol.dispose]: () => AbortSignal.timeout = real };
}

async function play(sql: postgres.Sql, syncs: Syncs, row: Row, platform: Platform): Promise<void> {
  await withAccount(sql, platform, row.young ?? false, async (world) => {
    if (row.again) {
      const earlier = await syncs.start(world);
      assert.equal((await earlier.run()).status, "completed");
    }
    const job = await syncs.start(world);
    world.strike(row.faults);
    let state = await job.run();
    assert.deepEqual(
      { job: jobWord(state), code: state.error_code ?? "-" },
      { job: row.job, code: row.code },
    );
    assert.ok(waits[row.next](state.wait_seconds), `the next run is in ${state.wait_seconds} s`);
    if (row.job === "put off") {
      assert.match(state.progress_message ?? "", /^Goes on after .* daily quota/);
      assert.equal(await job.isQuotaKnownAsUsedUp(), platform === "youtube");
    }
    for (let runs = 1; state.status === "pending" && runs < MAX_RUNS; runs++) {
      state = await job.run();
    }
    assert.equal(await connectionWord(sql, world), row.connection);
    await assertEnd(sql, world, job.id, state, row.end);
    // Whatever was saved is not asked for again.
    const isBegun = row.faults.every(({ at }) => at !== "account");
    if (isBegun) assert.equal(world.beginnings(), row.again ? 2 : 1);
    const struck = world.simulator.world.faults.list().map(({ hits }) => hits);
    assert.ok(struck.every((hits) => hits > 0), "every switch has struck");
  });
}

for (const [heading, rows] of Object.entries(table)) {
  Deno.test(`provider faults: ${heading}`, async (t) => {
    using _haste = inHaste();
    await withSyncs(async (sql, syncs) => {
      for (const row of rows) {
        await t.step(`${row.title}, ${row.on.join(" and ")}`, async () => {
          const played = await Promise.allSettled(
            row.on.map((platform) => play(sql, syncs, row, platform)),
          );
          const failed = played.flatMap((one, n) =>
            one.status === "rejected" ? [`${row.on[n]}: ${one.reason.stack}`] : []
          );
          assert.deepEqual(failed, []);
        });
      }
    });
  });
}

Deno.test("every switch has a row for every platform, or a reason why it has none", () => {
  const all = Object.values(table).flat();
  const left: string[] = [];
  for (const kind of faultKinds) {
    for (const platform of allPlatforms) {
      const isShown = all.some(({ on, faults }) =>
        on.includes(platform) && faults.some((fault) => fault.kind === kind)
      );
      const isElsewhere = elsewhere[kind]?.[platform] !== undefined;
      if (isShown === isElsewhere) left.push(`${kind} on ${platform}`);
    }
  }
  assert.deepEqual(left, []);
  assert.deepEqual(Object.keys(contentSources).sort(), [...allPlatforms].sort());
});
