import { deepEqual } from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import postgres from "postgres";
import { readStack } from "../stack/client.ts";
import { waitUntil } from "../stack/process.ts";

const stack = await readStack();

Deno.test("what the database raises has PostgREST's status and keeps its code", async () => {
  const name = `raise_${crypto.randomUUID().replaceAll("-", "").slice(0, 10)}`;
  const sql = postgres(stack.db_url, { max: 1, onnotice: () => {} });
  const service = createClient(stack.api_url, stack.secret_key, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const raise = async (p_code: string) => {
    const { status, error } = await service.rpc(name, { p_code });
    return [status, error?.code, error?.message, error?.details, error?.hint];
  };
  try {
    await sql.unsafe(`
      create function public.${name}(p_code text) returns void language plpgsql as $$
      begin
        raise exception using errcode = p_code, message = 'said', detail = 'in detail', hint = 'a hint';
      end; $$;
      grant execute on function public.${name}(text) to service_role;
    `).simple();
    await waitUntil(async () => (await raise("22000"))[0] === 400, 20_000, 50);
    const statuses = {
      "23514": 400,
      "23P01": 400,
      "P0001": 400,
      "P0002": 500,
      "40001": 500,
      "57014": 500,
      "0L000": 403,
      "22023": 400,
      "23505": 409,
    };
    for (const [code, status] of Object.entries(statuses)) {
      const hint = code === "23505" ? null : "a hint";
      deepEqual(await raise(code), [status, code, "said", "in detail", hint]);
    }
  } finally {
    await sql.unsafe(`drop function public.${name}(text)`).simple();
    await sql.end();
  }
});
