import postgres from "postgres";
import { readStack } from "../../../../local/stack/client.ts";
import { openStore, type StoreOptions } from "./store.ts";

/** A job type of its own on the real database, so that no other worker interferes. */
export async function openQueue(options: Partial<StoreOptions> = {}) {
  const { db_url } = await readStack();
  const sql = postgres(db_url, { max: 2, onnotice: () => {} });
  const type = `test_${crypto.randomUUID().slice(0, 8)}`;
  await sql`
    insert into public.job_type (name, category, description, lease)
    values (${type}, 'maintenance', 'For one test.', '20 seconds')`;
  const store = openStore({ url: db_url, ...options });
  return {
    type,
    store,
    sql,
    url: db_url,
    add: async (count = 1, params: Record<string, string | number> = {}): Promise<string[]> => {
      const rows = await sql<{ id: string }[]>`
        insert into public.job_queue (job_type, params)
        select ${type}, ${sql.json(params)} from generate_series(1, ${count}) returning id`;
      return rows.map(({ id }) => id);
    },
    row: async (id: string) => {
      const [row] = await sql`select * from public.job_queue where id = ${id}`;
      return row!;
    },
    /** What a killed worker leaves behind: a lease that nobody extends. */
    dropLeases: async () => {
      await sql`
        update public.job_queue set lease_expires_at = now() - interval '1 second'
        where job_type = ${type} and status = 'processing'`;
    },
    /** As somebody else's transaction that stays open for long. */
    holding: async (ids: string[], meanwhile: () => Promise<void>) => {
      await sql.begin(async (tx) => {
        await tx`select from public.job_queue where id = any(${ids}::uuid[]) for update`;
        await meanwhile();
      });
    },
    async [Symbol.asyncDispose]() {
      await sql`delete from public.job_queue where job_type = ${type}`;
      await sql`delete from public.job_type where name = ${type}`;
      await Promise.all([store.close(), sql.end()]);
    },
  };
}

/** For tests against the database of a running stack. */
export type Queue = Awaited<ReturnType<typeof openQueue>>;
