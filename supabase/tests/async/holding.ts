/** Somebody holds a job for long, and who need not wait for that does not. */
import { type OwnJobs, withOpenTransaction } from "./own_jobs.ts";

/** Fails for whoever waits: nothing may take longer than this, and nothing has to. */
export async function soon<T>(task: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it waits for what somebody holds")), 5_000);
  });
  return await Promise.race([task, late]).finally(() => clearTimeout(timer));
}

export async function holding(
  { sql }: OwnJobs,
  id: string,
  meanwhile: () => Promise<void>,
): Promise<void> {
  await withOpenTransaction(
    sql,
    (held) => held`select from public.job_queue where id = ${id} for update`,
    meanwhile,
  );
}
