import assert from "node:assert/strict";
import { connect } from "../../local/postgres/connect.ts";
import { contender, type ContenderId } from "../queues/contenders.ts";
import { fill, prepare } from "../scale/fill.ts";
import { Lab } from "./lab.ts";

const jobs = 5;
const ids: ContenderId[] = ["graphile_500", "bare_table", "ours_bare", "ours_full"];

Deno.test("what the benchmarks stand on: a server, the product on it, and queues that work", async (t) => {
  const lab = await Lab.open();
  try {
    for (const id of ids) {
      await t.step(`${id} takes jobs, and a worker does each of them once`, async () => {
        await using place = await lab.place(contender(id));
        await place.client.ask("enqueue", { first: 0, count: jobs, clients: 2 });
        const worker = await place.worker();
        await worker.ask("work", { jobs });
        assert.notEqual(await place.client.ask("drained", { limitMs: 30_000 }), null);
        const { handled, repeated } = await worker.ask("stop", {});
        assert.deepEqual({ handled, repeated }, { handled: jobs, repeated: 0 });
      });
    }

    await t.step("a queue is filled with finished jobs, eight to a page", async () => {
      const url = await lab.productUrl("filled");
      const [sql, helper] = [connect(url), connect(url)];
      try {
        await prepare(sql);
        await fill([sql, helper], 0, 4_000);
        const pages = await sql<{ jobs: number; pages: number }[]>`
          select jobs, count(*)::int as pages
          from (
            select count(*)::int as jobs from public.job_queue
            group by (ctid::text::point)[0] having bool_and(status <> 'pending')
          ) as page
          group by jobs order by pages desc`;
        assert.equal(pages[0]!.jobs, 8);
      } finally {
        await Promise.all([sql.end(), helper.end()]);
      }
    });
  } finally {
    await lab.close();
  }
});
