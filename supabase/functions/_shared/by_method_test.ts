import assert from "node:assert/strict";
import { byMethod } from "./by_method.ts";
import { endpoint, type EndpointDeps } from "./endpoint.ts";
import { AppError } from "./errors.ts";
import { createLogger } from "./log.ts";
import { ok } from "./reply.ts";

Deno.env.set("SUPABASE_URL", "http://127.0.0.1:9");
Deno.env.set("SUPABASE_PUBLISHABLE_KEYS", '{"default":"sb_publishable_x"}');
Deno.env.set("SUPABASE_SECRET_KEYS", '{"default":"sb_secret_x"}');

const deps: Partial<EndpointDeps> = {
  authenticateUser: () => Promise.reject(new AppError("UNAUTHENTICATED")),
  logger: createLogger({}, () => {}),
};

const fetch = byMethod(
  endpoint(
    { name: "things", caller: "public", methods: ["GET"], rateLimit: false },
    () => ok({ from: "anybody" }),
    deps,
  ),
  endpoint({ name: "things", caller: "user", methods: ["POST"] }, () => ok({}), deps),
);

const ask = (method: string) => fetch(new Request("http://f/things", { method }));

Deno.test("byMethod() asks who calls as the endpoint of that method does", async () => {
  const get = await ask("GET");
  assert.deepEqual([get.status, (await get.json()).from], [200, "anybody"]);
  assert.equal((await ask("HEAD")).status, 200);
  assert.equal((await ask("POST")).status, 401);
});

Deno.test("byMethod() lists the methods of all its endpoints, to a preflight and in a 405", async () => {
  const preflight = await ask("OPTIONS");
  assert.equal(preflight.status, 204);
  assert.equal(
    preflight.headers.get("access-control-allow-methods"),
    "GET, HEAD, POST, OPTIONS",
  );
  const refused = await ask("DELETE");
  assert.equal(refused.status, 405);
  assert.equal(refused.headers.get("allow"), "GET, HEAD, POST, OPTIONS");
  assert.equal((await refused.json()).error.code, "METHOD_NOT_ALLOWED");
});
