/**
 * What an owner waits for who searches their content, by what they ask, and what a sync waits for
 * that saves a page: at 200 000 items of owners of all sizes. Results go to `bench/results/`.
 *
 *     deno task bench:search [--quick]
 */
import { parseArgs } from "node:util";
import type { Sql } from "postgres";
import { connect } from "../local/postgres/connect.ts";
import { Lab } from "./lab/lab.ts";
import { machineFacts } from "./lab/machine.ts";
import { fill, largestAccount } from "./search/fill.ts";
import { pages } from "./search/pages.ts";
import { kinds, type Known, type Search } from "./search/queries.ts";
import { busyMs } from "./scale/busy.ts";
import { percentile } from "./statistics.ts";

const { values: { quick } } = parseArgs({
  options: { quick: { type: "boolean", default: false } },
});
const items = quick ? 20_000 : 200_000;
const goes = quick ? 40 : 200;
/** Thrown to take a go back. */
const rollback = new Error("taken back");
const limits = { search: 50, page: 20 };

/** One line of the answer, in milliseconds. */
interface Line {
  readonly name: string;
  readonly p50: number;
  readonly p95: number;
  /** Of the database's backend alone: what a busy machine does not change. */
  readonly cpuP95: number;
  readonly limit: number;
}

const lab = await Lab.open();
const interrupted = () => lab.close().finally(() => Deno.exit(130));
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupted);
const sql = connect(await lab.productUrl("search"));
const [backend] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
const pid = backend!.pid;
try {
  const started = performance.now();
  await fill(sql, items);
  console.error(`${items} items in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  const lines: Line[] = [];
  for (const [name, makeSearch] of Object.entries(kinds)) {
    lines.push(lineOf(name, await searchTimes(makeSearch), limits.search));
  }
  for (const [name, makePage] of Object.entries(pages)) {
    const times = [];
    for (let n = -10; n < goes / 4; n++) {
      const time = await saveTime(sql, await makePage(sql, largestAccount));
      if (n >= 0) times.push(time);
    }
    lines.push(lineOf(name, times, limits.page));
  }
  await report(lines);
} finally {
  await sql.end();
  await lab.close();
}
Deno.exit();

/** What one call took, in milliseconds. */
interface Taken {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Said at once, since the whole takes minutes. */
function lineOf(name: string, taken: Taken[], limit: number): Line {
  const [times, cpuTimes] = [taken.map(({ ms }) => ms), taken.map(({ cpuMs }) => cpuMs)];
  const line = {
    name,
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    cpuP95: percentile(cpuTimes, 0.95),
    limit,
  };
  console.error(`${name}: p95 ${line.p95.toFixed(1)} ms, CPU ${line.cpuP95.toFixed(1)} ms`);
  return line;
}

async function take(call: () => Promise<unknown>): Promise<Taken> {
  const [before, started] = [await busyMs(pid), performance.now()];
  await call();
  const ms = performance.now() - started;
  return { ms, cpuMs: await busyMs(pid) - before };
}

/** Of owners as often as they have items, so that the large ones are in every figure. */
async function searchTimes(makeSearch: (item: Known) => Search | null): Promise<Taken[]> {
  const known = await sql<Known[]>`
    select user_id, title, tags, hashtags from public.content_item
    order by md5(id::text || ${makeSearch.toString()}) limit ${goes * 3}`;
  const times = [];
  for (const item of known) {
    const search = makeSearch(item);
    if (search) times.push(await searchTime(item.user_id, search));
    if (times.length === goes + 20) break;
  }
  // The first ones warm connection and cache.
  return times.slice(20);
}

function searchTime(owner: string, search: Search): Promise<Taken> {
  return sql.begin(async (tx) => {
    await tx`select set_config('request.jwt.claims', ${
      JSON.stringify({ sub: owner, role: "authenticated" })
    }, true), set_config('role', 'authenticated', true)`;
    return await take(() =>
      tx`select * from public.search_own_content(
      p_query => ${search.p_query ?? null}, p_tags => ${
        search.p_tags ? [...search.p_tags] : null
      }::text[],
      p_hashtags => ${search.p_hashtags ? [...search.p_hashtags] : null}::text[],
      p_platform => ${search.p_platform ?? null}, p_content_type => ${
        search.p_content_type ?? null
      })`
    );
  });
}

/** Rolled back, so that every go begins with the same account. */
async function saveTime(sql: Sql, page: readonly unknown[]): Promise<Taken> {
  let taken: Taken = { ms: 0, cpuMs: 0 };
  await sql.begin(async (tx) => {
    taken = await take(() =>
      tx`select * from private.save_content(${largestAccount}, ${
        JSON.stringify(page)
      }::text::jsonb)`
    );
    throw rollback;
  }).catch((error) => {
    if (error !== rollback) throw error;
  });
  return taken;
}

async function report(lines: Line[]): Promise<void> {
  const [sizes] = await sql`
    select pg_table_size('public.content_item')::float8 as rows, pg_indexes_size('public.content_item')::float8 as indexes`;
  const data = { facts: await machineFacts(lab.sql), items, lines, bytes: sizes };
  const folder = new URL("results/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  const file = new URL(`search${quick ? "-quick" : ""}.json`, folder);
  await Deno.writeTextFile(file, `${JSON.stringify(data, null, 2)}\n`);
  console.log(`${"ms".padEnd(36)}        p50        p95    CPU p95      limit`);
  for (const { name, p50, p95, cpuP95, limit } of lines) {
    const times = [p50, p95, cpuP95].map((time) => time.toFixed(1).padStart(11)).join("");
    console.log(
      `${name.padEnd(36)}${times}${String(limit).padStart(11)}  ${p95 < limit ? "ok" : "OVER"}`,
    );
  }
  const failed = lines.filter(({ p95, limit }) => p95 >= limit).map(({ name }) => name);
  console.log(`RESULT ${JSON.stringify({ met: failed.length === 0, items, failed })}`);
}
