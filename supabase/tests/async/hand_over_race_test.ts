/** What pgTAP cannot show, having one session: creators that meet at one sleeping worker. */
import assert from "node:assert/strict";
import { create, goToSleep, handedOver, leave, sleeps, waiting } from "./hand_overs.ts";
import { until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

Deno.test("of jobs created at once a worker that sleeps is handed one at most, and the others line up", async () => {
  await withOwnJobs({ connections: 20 }, async ({ sql, jobTypes }) => {
    const [type] = jobTypes as [string];
    const worker = `sleeper-${type}`;
    let rounds = 0;
    // Where one has lined up already, because another had just asked for the worker, nobody is handed over.
    for (let handed: string[] = []; handed.length === 0; rounds += 1) {
      assert.ok(rounds < 20, "one is handed over");
      await sql`delete from public.job_queue where job_type = ${type}`;
      await goToSleep(sql, type, worker);
      const ids = await Promise.all(Array.from({ length: 100 }, (_, n) => create(sql, type, n)));
      handed = await handedOver(sql, type);
      assert.ok(handed.length <= 1, `${handed.length} were handed over`);
      assert.deepEqual([...handed, ...await waiting(sql, type)].sort(), ids.toSorted());
    }
    await leave(sql, [worker]);
  });
});

Deno.test("workers that fall asleep again and again among creators lose no job, and share none", async () => {
  await withOwnJobs({ connections: 16 }, async ({ sql, jobTypes }) => {
    const [type] = jobTypes as [string];
    const workers = ["a", "b", "c"].map((name) => `sleeper-${name}-${type}`);
    const ids: string[] = [];
    let isOver = false;
    const sleeping = workers.map(async (worker) => {
      while (!isOver) await goToSleep(sql, type, worker);
    });
    // What lines up is taken away at once, so that the lane is empty again and again.
    const claiming = (async () => {
      const claimed: string[] = [];
      while (!isOver) {
        const rows = await sql<{ id: string }[]>`
          select id from private.take_jobs('claimer', 100, ${sql.array([type])}, true)`;
        claimed.push(...rows.map(({ id }) => id));
      }
      return claimed;
    })();
    try {
      // Whether a worker sleeps while the lane is empty is chance, which one round may not have.
      for (let rounds = 0; rounds === 0 || (await handedOver(sql, type)).length < 2; rounds += 1) {
        assert.ok(rounds < 20, "some are handed over");
        await until(async () => (await waiting(sql, type)).length === 0);
        await Promise.all(Array.from({ length: 8 }, async () => {
          for (let n = 0; n < 40; n += 1) ids.push(await create(sql, type, n));
        }));
      }
    } finally {
      isOver = true;
    }
    await Promise.all(sleeping);

    const handed = await handedOver(sql, type);
    const all = [...handed, ...await claiming, ...await waiting(sql, type)];
    assert.deepEqual(all.sort(), ids.toSorted(), "each in one place");
    await leave(sql, workers);
  });
});

Deno.test("a creator whose transaction stays open holds up neither the worker nor other creators", async () => {
  await withOwnJobs({ connections: 4 }, async ({ sql, jobTypes }) => {
    const [type] = jobTypes as [string];
    const worker = `sleeper-${type}`;
    await goToSleep(sql, type, worker);
    let other = "";
    const first = await withOpenTransaction(sql, (held) => create(held, type), async (pid) => {
      assert.deepEqual(await goToSleep(sql, type, worker), []);
      other = await create(sql, type);
      const [waits] = await sql`
        select count(*)::int as others from pg_locks as waiting
        where not granted and ${pid} = any(pg_blocking_pids(waiting.pid))`;
      assert.equal(waits!.others, 0);
    });
    assert.deepEqual((await handedOver(sql, type)).sort(), [first, other].sort());
    // One per sleep.
    const unheard = [await goToSleep(sql, type, worker), await goToSleep(sql, type, worker)];
    assert.deepEqual(unheard.flat().sort(), [first, other].sort());

    await withOpenTransaction(sql, (held) => create(held, type), async () => {}, "rollback");
    assert.ok(await sleeps(sql, worker), "what was rolled back woke nobody");
    await leave(sql, [worker]);
  });
});
