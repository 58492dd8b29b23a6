/** Jobs that are handed over to workers that sleep, as their tests make them and find them. */
import type postgres from "postgres";

/** Always asks for a worker that sleeps, whoever else has asked since it fell asleep. */
export const create = async (sql: postgres.Sql, type: string, n = 0): Promise<string> => {
  const [job] = await sql<{ id: string }[]>`
    select setval('private.sleep_clock', (extract(epoch from clock_timestamp()) * 1000)::bigint + 4000),
      public.create_job(null, ${type}, ${sql.json({ n })}) as id`;
  return job!.id;
};

export const goToSleep = async (
  sql: postgres.Sql,
  type: string,
  worker = "sleeper",
): Promise<string[]> => {
  await sql`select public.heartbeat(${worker}, '[]', 8, 0)`;
  const rows = await sql<{ id: string }[]>`
    select job ->> 'id' as id
    from jsonb_array_elements(
      private.go_to_sleep(${worker}, ${`job_for:${worker}`}, ${sql.array([type])}, 1)) as job`;
  return rows.map(({ id }) => id);
};

/** The jobs that were handed over and have not ended. */
export const handedOver = async (sql: postgres.Sql, type: string): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    select unnest(job_ids) as id from private.job_lease where job_type = ${type} and is_handed_over`;
  return rows.map(({ id }) => id);
};

export const waiting = async (sql: postgres.Sql, type: string): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    select job_id as id from private.job_waiting where job_type = ${type}`;
  return rows.map(({ id }) => id);
};

export const leave = (sql: postgres.Sql, workers: string[]) =>
  sql`
    with gone as (delete from private.job_sleeper where worker_id = any(${workers}))
    delete from public.job_worker where worker_id = any(${workers})`;

/** Whether the worker is asleep, with nothing handed over to it. */
export const sleeps = async (sql: postgres.Sql, worker: string): Promise<boolean> => {
  const rows = await sql`
    select from private.job_sleeper where worker_id = ${worker} and lease_id is null`;
  return rows.length > 0;
};
