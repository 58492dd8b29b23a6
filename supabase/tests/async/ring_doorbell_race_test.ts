/** The doorbell's clock and hush are seen at once, its call goes out at commit: what if there is none? */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { type OwnJobs, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

/** As whoever enqueues a job that could start now, where no worker lives. */
async function enqueue(tx: postgres.Sql): Promise<{ outcome: string; ringer: string }> {
  await tx`delete from public.job_worker`;
  const [row] = await tx<{ outcome: string; ringer: string }[]>`
    select case
        when pg_sequence_last_value('private.doorbell_hush') > date_part('epoch', clock_timestamp()) * 1000
          then 'hushed'
        else private.ring_doorbell()
      end as outcome,
      (select last_value::text from private.doorbell_ringer) as ringer`;
  return row!;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Lets somebody ring, and enqueues within the second; what it came to is rolled back. Others that ring
 * at the same time, as the stack itself may, would have the say: then once more.
 */
async function enqueueAfter(
  { sql }: OwnJobs,
  ring: () => Promise<string | null>,
): Promise<string> {
  for (let round = 0; round < 30; round++) {
    const ringer = await ring();
    const seen = ringer !== null && await withOpenTransaction(
      sql,
      async (tx) => {
        const before = await lastRinger(tx);
        return before === ringer && await enqueue(tx);
      },
      () => Promise.resolve(),
      "rollback",
    );
    if (seen) return seen.outcome;
    await pause(300);
  }
  assert.fail("somebody else rings all the time");
}

async function lastRinger(tx: postgres.Sql): Promise<string> {
  const [row] = await tx<{ ringer: string }[]>`
    select last_value::text as ringer from private.doorbell_ringer`;
  return row!.ringer;
}

Deno.test("a ring that is rolled back silences nobody", async () => {
  await withOwnJobs({ connections: 3 }, async (own) => {
    const outcome = await enqueueAfter(own, async () => {
      const rung = await withOpenTransaction(
        own.sql,
        enqueue,
        () => Promise.resolve(),
        "rollback",
      );
      // Whoever comes before has to believe that it is about to be committed.
      await pause(30);
      return rung.outcome === "rang" ? rung.ringer : null;
    });
    assert.equal(outcome, "rang");
  });
});

Deno.test("a ring that is committed is enough for a second", async () => {
  await withOwnJobs({ connections: 3 }, async (own) => {
    const { sql } = own;
    const outcome = await enqueueAfter(own, async () => {
      const [row] = await sql<{ ringer: string }[]>`
        select setval('private.doorbell_ringer', pg_current_xact_id()::text::bigint)::text as ringer,
          setval('private.doorbell_clock', (extract(epoch from clock_timestamp()) * 1000)::bigint),
          setval('private.doorbell_hush', 0)`;
      return row!.ringer;
    });
    assert.equal(outcome, "coalesced");
  });
});
