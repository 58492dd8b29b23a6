import type { Sql } from "postgres";
import { largestAccount } from "./fill.ts";
import type { MakePage } from "./pages.ts";
import type { Known, Search } from "./queries.ts";
import { take, type Taken } from "./taken.ts";

/** The connection that is measured, and its process in the server. */
export interface Backend {
  readonly sql: Sql;
  readonly pid: number;
}

/** Thrown to take a go back. */
const rollback = new Error("taken back");

/** Of owners as often as they have items, so that the large ones are in every figure. */
export async function searchTimes(
  backend: Backend,
  makeSearch: (item: Known) => Search | null,
  goes: number,
): Promise<Taken[]> {
  const known = await backend.sql<Known[]>`
    select user_id, title, tags, hashtags from public.content_item
    order by md5(id::text || ${makeSearch.toString()}) limit ${goes * 3}`;
  const times = [];
  for (const item of known) {
    const search = makeSearch(item);
    if (search) times.push(await searchTime(backend, item.user_id, search));
    if (times.length === goes + 20) break;
  }
  // The first ones warm connection and cache.
  return times.slice(20);
}

/** Of pages of one kind, each saved to the largest account and taken back. */
export async function saveTimes(
  backend: Backend,
  makePage: MakePage,
  goes: number,
): Promise<Taken[]> {
  const times = [];
  for (let n = -10; n < goes; n++) {
    const time = await saveTime(backend, await makePage(backend.sql, largestAccount));
    if (n >= 0) times.push(time);
  }
  return times;
}

function searchTime({ sql, pid }: Backend, owner: string, search: Search): Promise<Taken> {
  return sql.begin(async (tx) => {
    await tx`select set_config('request.jwt.claims', ${
      JSON.stringify({ sub: owner, role: "authenticated" })
    }, true), set_config('role', 'authenticated', true)`;
    return await take(pid, () =>
      tx`select * from public.search_own_content(
      p_query => ${search.p_query ?? null}, p_tags => ${
        search.p_tags ? [...search.p_tags] : null
      }::text[],
      p_hashtags => ${search.p_hashtags ? [...search.p_hashtags] : null}::text[],
      p_platform => ${search.p_platform ?? null}, p_content_type => ${
        search.p_content_type ?? null
      })`);
  });
}

/** Rolled back, so that every go begins with the same account. */
async function saveTime({ sql, pid }: Backend, page: readonly unknown[]): Promise<Taken> {
  let taken: Taken = { ms: 0, cpuMs: 0 };
  await sql.begin(async (tx) => {
    taken = await take(
      pid,
      () =>
        tx`select * from private.save_content(${largestAccount}, ${
          JSON.stringify(page)
        }::text::jsonb)`,
    );
    throw rollback;
  }).catch((error) => {
    if (error !== rollback) throw error;
  });
  return taken;
}
