import { deepEqual, equal } from "node:assert/strict";
import { SignJWT } from "jose";
import postgres from "postgres";
import { readStack } from "../stack/client.ts";
import { waitUntil } from "../stack/process.ts";

const stack = await readStack();
const probe = `probe_${crypto.randomUUID().replaceAll("-", "").slice(0, 10)}`;
const path = `/rest/v1/rpc/${probe}`;
const url = `http://127.0.0.1:${stack.parts.data_api?.port}${path}`;
const anon = { apikey: stack.publishable_key };
const service = { apikey: stack.secret_key };

async function userHeaders(claims: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const sub = crypto.randomUUID();
  const exp = Math.floor(Date.now() / 1000) + 60;
  const token = await new SignJWT({ sub, role: "authenticated", exp, ...claims })
    .setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(stack.jwt_secret));
  return { ...anon, sub, authorization: `Bearer ${token}` };
}

async function ask(headers: Record<string, string>, body: unknown = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  return { status: response.status, body: await response.json() };
}

async function withProbe(work: () => Promise<void>): Promise<void> {
  const sql = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(`
      create function public.${probe}(p_status text default '') returns jsonb
      language plpgsql volatile as $$
      begin
        perform set_config('response.status', p_status, true);
        return jsonb_build_object('role', current_user, 'uid', auth.uid(),
          'claims', nullif(current_setting('request.jwt.claims', true), ''),
          'method', current_setting('request.method'), 'path', current_setting('request.path'),
          'key', current_setting('request.headers')::jsonb -> 'apikey');
      end $$;
      grant execute on function public.${probe}(text) to anon, authenticated, service_role;
    `).simple();
    const isKnown = async () => (await ask(anon)).status === 200;
    equal(await waitUntil(isKnown, 20_000, 50), true);
    await work();
  } finally {
    await sql.unsafe(`drop function public.${probe}(text)`).simple();
    await sql.end();
  }
}

Deno.test("a function sees who calls it and how, and says with which status", () =>
  withProbe(async () => {
    const user = await userHeaders();
    const { status, body: { claims, ...seen } } = await ask(user, { p_status: "418" });
    equal(status, 418);
    deepEqual(seen, {
      role: "authenticated",
      uid: user.sub,
      method: "POST",
      path: `/rpc/${probe}`,
      key: stack.publishable_key,
    });
    equal(JSON.parse(claims).sub, user.sub);
    equal((await ask(user)).status, 200, "the status of the call before is gone");
    deepEqual(JSON.parse((await ask(anon)).body.claims), { role: "anon" });
  }));

Deno.test("callers on shared connections never act for each other", () =>
  withProbe(async () => {
    const callers = await Promise.all(Array.from({ length: 300 }, async (_, index) => {
      if (index % 3 === 0) return { headers: anon, role: "anon", uid: null };
      if (index % 3 === 1) return { headers: service, role: "service_role", uid: null };
      const headers = await userHeaders();
      return { headers, role: "authenticated", uid: headers.sub };
    }));
    await Promise.all(callers.map(async ({ headers, role, uid }) => {
      const { body } = await ask(headers);
      deepEqual({ role: body.role, uid: body.uid }, { role, uid });
    }));
  }));

Deno.test("a token that was good is refused when it has expired", () =>
  withProbe(async () => {
    const exp = Math.floor(Date.now() / 1000) + 4;
    const headers = await userHeaders({ exp });
    equal((await ask(headers)).status, 200);
    await new Promise((resolve) => setTimeout(resolve, exp * 1000 - Date.now()));
    const { status, body } = await ask(headers);
    deepEqual({ status, code: body.code }, { status: 401, code: "PGRST303" });
  }));

Deno.test("a token with an unknown role, or of the future, is refused", () =>
  withProbe(async () => {
    equal((await ask(await userHeaders({ role: "nobody_at_all" }))).status >= 400, true);
    const iat = Math.floor(Date.now() / 1000) + 100;
    equal((await ask(await userHeaders({ iat, exp: iat + 60 }))).body.code, "PGRST303");
  }));

Deno.test("the data API outlives its connections, whatever they were doing", async () => {
  const admin = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });
  try {
    await withProbe(async () => {
      for (let round = 0; round < 5; round++) {
        const answers = Promise.all(Array.from({ length: 30 }, () => ask(anon)));
        await new Promise((resolve) => setTimeout(resolve, 5 * round));
        await admin`
          select pg_terminate_backend(pid) from pg_stat_activity where usename = 'supabase_lite'`;
        for (const { status } of await answers) equal(status === 200 || status >= 500, true);
        equal(await waitUntil(async () => (await ask(anon)).status === 200, 20_000, 50), true);
      }
    });
    equal((await readStack()).parts.data_api?.pid, stack.parts.data_api?.pid, "it is the same one");
  } finally {
    await admin.end();
  }
});
