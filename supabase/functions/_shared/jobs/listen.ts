import postgres from "postgres";
import type { Calls, Ear } from "./calling.ts";
import { settlesWithin, systemClock } from "./clock.ts";
import { readNotice } from "./hand_over.ts";
import { connection } from "./pool.ts";

/**
 * Listens for work on a connection of its own. An unmarked pooler accepts LISTEN and never delivers,
 * so a notification sent to ourselves must arrive first; where it does not, null says: poll.
 */
export async function listenProven(
  url: string,
  calls: Calls,
  proofMs: number,
): Promise<Ear | null> {
  const sql = postgres(url, {
    ...connection,
    max: 1,
    prepare: false,
    connection: { application_name: "job-processor ear" },
  });
  // Nobody else can know its name: who could would hear of our jobs, or could make one up.
  const channel = `job_for:${crypto.randomUUID()}`;
  const heard = prove(sql, channel, calls);
  if (!await settlesWithin(systemClock, proofMs, heard)) {
    await sql.end({ timeout: 0 });
    return null;
  }
  try {
    await heard;
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
  return { channel, close: () => sql.end({ timeout: 1 }) };
}

async function prove(sql: postgres.Sql, channel: string, calls: Calls): Promise<void> {
  const proof = Promise.withResolvers<void>();
  const ourselves = `job_proof_${crypto.randomUUID()}`;
  await sql.listen(ourselves, () => proof.resolve());
  await sql.listen(channel, (payload) => {
    const handOver = readNotice(payload);
    if (handOver) calls.onHandOver(handOver);
  });
  // Also called after a lost connection came back, when something may have been missed.
  await sql.listen("job_ready", calls.onReady, calls.onReady);
  await sql.notify(ourselves, "");
  await proof.promise;
}
