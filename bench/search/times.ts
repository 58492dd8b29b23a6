import { type Backend, type Cost, costOf, undone } from "../lab/backend.ts";
import { largestAccount } from "./fill.ts";
import type { MakePage } from "./pages.ts";
import type { Known, Search } from "./queries.ts";

/** Of owners as often as they have items, so that the large ones are in every figure. */
export async function searchTimes(
  backend: Backend,
  makeSearch: (item: Known) => Search | null,
  goes: number,
): Promise<Cost[]> {
  const known = await backend.sql<Known[]>`
    select user_id, title, tags, hashtags from public.content_item
    order by md5(id::text || ${makeSearch.toString()}) limit ${goes * 3}`;
  const times: Cost[] = [];
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
): Promise<Cost[]> {
  const times: Cost[] = [];
  for (let n = -10; n < goes; n++) {
    const time = await saveTime(backend, await makePage(backend.sql, largestAccount));
    if (n >= 0) times.push(time);
  }
  return times;
}

function searchTime({ sql, pid }: Backend, owner: string, search: Search): Promise<Cost> {
  const claims = JSON.stringify({ sub: owner, role: "authenticated" });
  const { p_query = null, p_platform = null, p_content_type = null } = search;
  const [tags, hashtags] = [search.p_tags, search.p_hashtags].map((words) => words && [...words]);
  return sql.begin(async (tx) => {
    await tx`
      select set_config('request.jwt.claims', ${claims}, true),
        set_config('role', 'authenticated', true)`;
    return await costOf(pid, () =>
      tx`
      select * from public.search_own_content(
        p_query => ${p_query}, p_tags => ${tags ?? null}::text[],
        p_hashtags => ${hashtags ?? null}::text[], p_platform => ${p_platform},
        p_content_type => ${p_content_type})`);
  });
}

/** Taken back, so that every go begins with the same account. */
function saveTime({ sql, pid }: Backend, page: readonly unknown[]): Promise<Cost> {
  const items = JSON.stringify(page);
  return undone(sql, (tx) =>
    costOf(
      pid,
      () => tx`select * from private.save_content(${largestAccount}, ${items}::text::jsonb)`,
    ));
}
