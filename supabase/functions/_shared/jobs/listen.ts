import postgres from "postgres";
import { settlesWithin, systemClock } from "./clock.ts";
import type { Unlisten } from "./job_store.ts";
import { connection } from "./pool.ts";

/**
 * Listens for work on a connection of its own. An unmarked pooler accepts LISTEN and never delivers,
 * so a notification sent to ourselves must arrive first; where it does not, null says: poll.
 */
export async function listenProven(
  url: string,
  onReady: () => void,
  proofMs: number,
): Promise<Unlisten | null> {
  const ear = postgres(url, {
    ...connection,
    max: 1,
    prepare: false,
    connection: { application_name: "job-processor ear" },
  });
  const heard = prove(ear, onReady);
  if (!await settlesWithin(systemClock, proofMs, heard)) {
    await ear.end({ timeout: 0 });
    return null;
  }
  try {
    await heard;
  } catch (error) {
    await ear.end({ timeout: 0 });
    throw error;
  }
  return () => ear.end({ timeout: 1 });
}

async function prove(ear: postgres.Sql, onReady: () => void): Promise<void> {
  const proof = Promise.withResolvers<void>();
  const channel = `job_proof_${crypto.randomUUID()}`;
  await ear.listen(channel, () => proof.resolve());
  // Also called after a lost connection came back, when something may have been missed.
  await ear.listen("job_ready", onReady, onReady);
  await ear.notify(channel, "");
  await proof.promise;
}
