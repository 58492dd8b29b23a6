import type postgres from "postgres";

/** What one look found: what is so, and what to do when it should not be. */
export interface Finding {
  readonly ok: boolean;
  readonly what: string;
  readonly advice?: string;
}

/** What pg_net noted about a request; null while it has noted nothing. */
export interface RingAnswer {
  readonly status_code: number | null;
  readonly timed_out: boolean | null;
  readonly error_msg: string | null;
}

const tickLimitSeconds = 60;
const tickWaitMs = 15_000;
const ringLimitMs = 15_000;
const jobLimitMs = 45_000;

/**
 * Follows a job's way through the engine, part by part, and stops at the first that fails: what comes
 * after it could not work either. It rings the real doorbell with the real key, and leaves behind one
 * system job of type `self_test`, which cleanup takes away.
 */
export async function* examine(sql: postgres.Sql): AsyncGenerator<Finding> {
  for (const look of [lookAtVault, lookAtTick, ring, runJob]) {
    const finding = await look(sql);
    yield finding;
    if (!finding.ok) return;
  }
}

async function lookAtVault(sql: postgres.Sql): Promise<Finding> {
  const rows = await sql<{ name: string }[]>`
    select name from vault.decrypted_secrets
    where name in ('project_url', 'automation_key') and decrypted_secret <> ''`;
  const missing = ["project_url", "automation_key"]
    .filter((name) => !rows.some((row) => row.name === name));
  if (missing.length === 0) return { ok: true, what: "Vault holds project_url and automation_key" };
  return {
    ok: false,
    what: `Vault lacks ${missing.join(" and ")}`,
    advice: missing.map((name) => `select vault.create_secret('<value>', '${name}');`).join(" "),
  };
}

async function lookAtTick(sql: postgres.Sql): Promise<Finding> {
  let ago: number | null = null;
  // A new stack has its first tick after ten seconds.
  const isTicking = await poll(tickWaitMs, async () => {
    const [row] = await sql<{ ago: number | null }[]>`
      select extract(epoch from clock_timestamp() - ticked_at)::int as ago from private.job_tick`;
    ago = row?.ago ?? null;
    return ago !== null && ago <= tickLimitSeconds ? true : null;
  });
  const what = ago === null ? "there has been no tick" : `the last tick was ${ago} s ago`;
  if (isTicking) return { ok: true, what };
  const advice = "select private.apply_timetable(); and see cron.job_run_details for what it says.";
  return { ok: false, what, advice };
}

async function ring(sql: postgres.Sql): Promise<Finding> {
  const [request] = await sql<{ id: string }[]>`
    select private.invoke_function('job-processor')::text as id`;
  const answer = await poll(ringLimitMs, async () => {
    const [row] = await sql<RingAnswer[]>`
      select status_code, timed_out, error_msg from net._http_response where id = ${request!.id}`;
    return row ?? null;
  });
  return judgeRing(answer);
}

/** What an answer to the doorbell means; 202 proves that the key in Vault is the one of the functions. */
export function judgeRing(answer: RingAnswer | null): Finding {
  if (answer === null) {
    const advice = "pg_net is stuck: select net.worker_restart();";
    return { ok: false, what: "nothing came of the call to job-processor", advice };
  }
  const { status_code: status, timed_out, error_msg } = answer;
  if (status === 202) return { ok: true, what: "job-processor accepts the key in Vault" };
  if (status === null || timed_out) {
    return {
      ok: false,
      what: `job-processor was not reached (${error_msg ?? "it timed out"})`,
      advice: "Is project_url in Vault right, and are the functions up?",
    };
  }
  return { ok: false, what: `job-processor answered ${status}`, advice: adviceFor(status) };
}

function adviceFor(status: number): string {
  if (status === 401 || status === 403) {
    return "The key in Vault is not the one of the functions: put their secret AUTOMATION_KEY into Vault as automation_key.";
  }
  if (status === 404) return "Deploy it: supabase functions deploy job-processor.";
  return "Its log says what is missing.";
}

async function runJob(sql: postgres.Sql): Promise<Finding> {
  const started = performance.now();
  // A key of its own: an earlier result would prove nothing.
  const [made] = await sql<{ job_id: string }[]>`
    select job_id from public.find_or_create_job(
      null, 'self_test', '{"steps": 2, "step_ms": 50}', p_key => ${crypto.randomUUID()})`;
  const job = await poll(jobLimitMs, async () => {
    const [row] = await sql<{ status: string; error_code: string | null }[]>`
      select status, error_code from public.job_queue
      where id = ${made!.job_id} and completed_at is not null`;
    return row ?? null;
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (job?.status === "completed") {
    return { ok: true, what: `a job went all the way in ${seconds} s` };
  }
  return {
    ok: false,
    what: job
      ? `the job ended as ${job.status} (${job.error_code})`
      : "the job was not carried out",
    advice: `docs/OPERATIONS.md, "One job does not move"; the job is ${made!.job_id}.`,
  };
}

async function poll<T>(limitMs: number, look: () => Promise<T | null>): Promise<T | null> {
  for (const end = performance.now() + limitMs; performance.now() < end;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return null;
}
