import { deepEqual, equal, match } from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../stack/client.ts";
import { waitUntil } from "../stack/process.ts";

const stack = await readStack();
const api = `http://127.0.0.1:${stack.parts.data_api?.port}`;
const table = `probe_${crypto.randomUUID().replaceAll("-", "").slice(0, 10)}`;

async function withProbeTable(work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(`
      create table public.${table} (id int primary key);
      insert into public.${table} values (1);
      alter table public.${table} enable row level security;
      revoke all on public.${table} from anon, authenticated, service_role;
      grant select on public.${table} to authenticated;
      create policy select_all on public.${table} for select to authenticated using (true);
      create function public.${table}_who() returns text language sql stable
        as $$ select current_user || ':' || coalesce(auth.uid()::text, '') $$;
      grant execute on function public.${table}_who() to anon, authenticated, service_role;
    `).simple();
    await work(sql);
  } finally {
    await sql.unsafe(`drop function public.${table}_who(); drop table public.${table}`).simple();
    await sql.end();
  }
}

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(api + path, { headers });
  return { status: response.status, body: await response.json().catch(() => null) };
}

async function who(headers: Record<string, string>): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${api}/rest/v1/rpc/${table}_who`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: "{}",
  });
  return { status: response.status, body: await response.json() };
}

async function post(path: string, body: unknown) {
  const response = await fetch(api + path, {
    method: "POST",
    headers: { apikey: stack.publishable_key, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return await response.json();
}

/** Signs a person up the way a browser does: by the code in the confirmation mail, if asked for. */
async function signUp(): Promise<{ id: string; headers: Record<string, string> }> {
  const email = `${crypto.randomUUID()}@example.com`;
  let session = await post("/auth/v1/signup", { email, password: "Correct horse 1" });
  if (!session.access_token) {
    const search = await fetch(`${stack.mail_url}/api/v1/search?query=to:${email}`);
    const [{ ID }] = (await search.json()).messages;
    const { Text } = await (await fetch(`${stack.mail_url}/api/v1/message/${ID}`)).json();
    match(Text, new RegExp(`${stack.api_url}/auth/v1/verify`));
    const [token] = /\b\d{6}\b/.exec(Text) ?? [];
    session = await post("/auth/v1/verify", { type: "signup", email, token });
  }
  return {
    id: session.user.id,
    headers: {
      apikey: stack.publishable_key,
      authorization: `Bearer ${session.access_token}`,
    },
  };
}

Deno.test("the data API keeps to the grants of the migrations and to its keys", () =>
  withProbeTable(async (sql) => {
    const anon = { apikey: stack.publishable_key };
    const service = { apikey: stack.secret_key };
    const seen = async () =>
      (await who(anon)).status === 200 && (await get(`/rest/v1/${table}`, anon)).status !== 404;
    equal(await waitUntil(seen, 20_000, 50), true, "a schema change is noticed without a restart");

    const user = await signUp();
    deepEqual(await who(anon), { status: 200, body: "anon:" });
    deepEqual(await who(service), { status: 200, body: "service_role:" });
    deepEqual(await who(user.headers), { status: 200, body: `authenticated:${user.id}` });
    equal((await who({})).status, 401, "without a key nobody is served");
    equal((await who({ apikey: "sb_secret_wrong" })).status, 401);

    deepEqual((await get(`/rest/v1/${table}`, user.headers)).body, [{ id: 1 }]);
    for (let request = 0; request < 100; request++) {
      await (await fetch(`${api}/rest/v1/${table}`, { headers: user.headers })).body?.cancel();
    }
    const refused = await get(`/rest/v1/${table}`, anon);
    equal(refused.status, 401);
    equal(refused.body.code, "42501");
    equal((await get(`/rest/v1/${table}`, service)).status, 403);
    const grants = await sql`
      select grantee, privilege_type from information_schema.role_table_grants
      where table_name = ${table} and grantee <> 'postgres'`;
    deepEqual(grants.map((row) => ({ ...row })), [
      { grantee: "authenticated", privilege_type: "SELECT" },
    ]);
  }));

Deno.test("lite's login role owns nothing outside auth and cannot pass a right on to anybody", async () => {
  const sql = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  const [role] = await sql`
    select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles
    where rolname = 'supabase_lite'`;
  deepEqual({ ...role }, {
    rolsuper: false,
    rolbypassrls: false,
    rolcreaterole: false,
    rolcreatedb: false,
  });
  const owned = await sql`
    select oid::regclass::text as name from pg_class
    where pg_has_role('supabase_lite', relowner, 'usage') and relkind in ('r', 'p', 'v')
      and relnamespace not in ('auth'::regnamespace, 'pg_catalog'::regnamespace)`;
  deepEqual(owned.map(({ name }) => name), []);

  const grants = () => sql`select relname, relacl::text from pg_class order by oid`;
  const before = await grants();
  const lite = postgres(stack.api_db_url, { max: 1, onnotice: () => {} });
  // An error or a mere warning, depending on what the role may see; either way nothing changes.
  await lite.unsafe("grant all on all tables in schema public to anon").catch(() => {});
  await lite.end();
  deepEqual(await grants(), before);
  await sql.end();
});
