import assert from "node:assert/strict";
import { PostgrestError } from "@supabase/postgrest-js";
import { corsHeaders } from "@supabase/supabase-js/cors";
import * as z from "zod";
import { endpoint, type EndpointDeps } from "./endpoint.ts";
import { AppError } from "./errors.ts";
import { createLogger } from "./log.ts";
import { ProviderError } from "./platforms/provider_error.ts";
import { accepted, ok } from "./reply.ts";

Deno.env.set("SUPABASE_URL", "http://127.0.0.1:9");
Deno.env.set("SUPABASE_PUBLISHABLE_KEYS", '{"default":"sb_publishable_x"}');
Deno.env.set("SUPABASE_SECRET_KEYS", '{"default":"sb_secret_x"}');

const USER = { id: "0b0f9b0e-3c1a-4b7e-9a55-0d5c4f3b2a10", token: "t" };

/** Parts that let everybody in and remember what was logged and counted. */
function fakeDeps(replaced: Partial<EndpointDeps> = {}) {
  const lines: Record<string, unknown>[] = [];
  const counted: unknown[] = [];
  const deps: EndpointDeps = {
    authenticateUser: () => Promise.resolve(USER),
    authenticateService: () => Promise.resolve(),
    consumeRateLimit(limit) {
      counted.push(limit);
      const reset_at = new Date(Date.now() + 60_000).toISOString();
      return Promise.resolve({ allowed: true, max_requests: 100, remaining: 99, reset_at });
    },
    logger: createLogger({}, (line) => lines.push(JSON.parse(line))),
    ...replaced,
  };
  return { deps, lines, counted };
}

const Body = z.strictObject({ name: z.string().min(1), count: z.int().optional() });

function postEndpoint({ deps } = fakeDeps()) {
  return endpoint(
    { name: "things", caller: "user", methods: ["POST"], body: Body, maxBodyBytes: 1000 },
    ({ body, user }) => accepted({ name: body.name, owner: user.id }),
    deps,
  );
}

function getEndpoint(handle: () => Response | Promise<Response>, { deps } = fakeDeps()) {
  return endpoint(
    { name: "things", caller: "user", methods: ["GET"], cacheControl: "private, no-cache" },
    handle,
    deps,
  );
}

function post(body: BodyInit | null, headers: Record<string, string> = {}) {
  return new Request("http://f/things", {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
}

async function failureOf(response: Response) {
  const { success, error } = await response.json();
  assert.equal(success, false);
  return { status: response.status, code: error.code, details: error.details };
}

Deno.test("a good request is answered in the envelope, with request id, limits and CORS", async () => {
  const response = await postEndpoint()(post('{"name":"a"}'));
  assert.equal(response.status, 202);
  assert.deepEqual(await response.json(), { success: true, name: "a", owner: USER.id });
  assert.match(response.headers.get("x-request-id")!, /^[\da-f-]{36}$/);
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  assert.equal(response.headers.get("ratelimit-limit"), "100");
  assert.equal(response.headers.get("ratelimit-remaining"), "99");
  assert.equal(response.headers.get("ratelimit-reset"), "60");
  assert.equal(response.headers.get("cache-control"), "no-store");
});

Deno.test("a preflight is answered without asking who calls", async () => {
  const refuse = () => Promise.reject(new AppError("UNAUTHENTICATED"));
  const { deps } = fakeDeps({ authenticateUser: refuse });
  const response = await postEndpoint({ ...fakeDeps(), deps })(
    new Request("http://f/things", { method: "OPTIONS" }),
  );
  assert.equal(response.status, 204);
  assert.equal(response.headers.get("access-control-allow-methods"), "POST, OPTIONS");
  assert.match(response.headers.get("access-control-allow-headers")!, /authorization/);
});

Deno.test("a browser may send whatever header supabase-js sends, and the region it wants", async () => {
  const response = await postEndpoint()(new Request("http://f/things", { method: "OPTIONS" }));
  const allowed = response.headers.get("access-control-allow-headers")!.split(", ");
  const sent = corsHeaders["Access-Control-Allow-Headers"]!.split(", ");
  assert.deepEqual([...sent, "x-region"].filter((name) => !allowed.includes(name)), []);
});

Deno.test("the region that supabase-js asks the platform for is no part of the query", async () => {
  const { deps } = fakeDeps();
  const query = z.strictObject({ id: z.string() });
  const fetch = endpoint(
    { name: "things", caller: "user", methods: ["GET"], query },
    ({ query }) => ok(query),
    deps,
  );
  const url = "http://f/things?id=a&forceFunctionRegion=eu-central-1";
  assert.deepEqual(await (await fetch(new Request(url))).json(), { success: true, id: "a" });
});

Deno.test("a method that is not listed is 405 and says which are", async () => {
  const response = await postEndpoint()(new Request("http://f/things"));
  assert.equal(response.headers.get("allow"), "POST, OPTIONS");
  assert.equal((await failureOf(response)).code, "METHOD_NOT_ALLOWED");
});

for (
  const [what, request, status, code] of [
    ["JSON that is cut off", post('{"name":'), 400, "VALIDATION_ERROR"],
    ["bytes that are no UTF-8", post(new Uint8Array([0xff, 0xfe])), 400, "VALIDATION_ERROR"],
    ["a field too many", post('{"name":"a","user_id":"x"}'), 400, "VALIDATION_ERROR"],
    ["a missing body", post(null), 400, "VALIDATION_ERROR"],
    ["a form", post("name=a", { "content-type": "text/plain" }), 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["too long a body", post(`{"name":"${"a".repeat(1000)}"}`), 413, "PAYLOAD_TOO_LARGE"],
    [
      "too long a body of undeclared length",
      post(new Blob(["x".repeat(2000)]).stream()),
      413,
      "PAYLOAD_TOO_LARGE",
    ],
  ] as const
) {
  Deno.test(`${what} is ${status} ${code}`, async () => {
    const failure = await failureOf(await postEndpoint()(request));
    assert.deepEqual([failure.status, failure.code], [status, code]);
  });
}

Deno.test("VALIDATION_ERROR lists every issue by its place and does not repeat the input", async () => {
  const response = await postEndpoint()(post('{"name":"","count":"s3cr3t"}'));
  const { details } = await failureOf(response);
  assert.deepEqual(
    details.issues.map(({ path, code }: { path: string; code: string }) => [path, code]),
    [["body.name", "too_small"], ["body.count", "invalid_type"]],
  );
  assert.ok(!JSON.stringify(details).includes("s3cr3t"));
});

Deno.test("a query is validated, and a repeated name refused", async () => {
  const { deps } = fakeDeps();
  const fetch = endpoint(
    { name: "things", caller: "user", methods: ["GET"], query: z.object({ id: z.guid() }) },
    ({ query }) => ok(query),
    deps,
  );
  assert.equal((await fetch(new Request(`http://f/things?id=${USER.id}`))).status, 200);
  for (const query of ["", "?id=1", `?id=${USER.id}&id=${USER.id}`]) {
    const failure = await failureOf(await fetch(new Request(`http://f/things${query}`)));
    assert.equal(failure.code, "VALIDATION_ERROR");
  }
});

Deno.test("a caller that is refused neither counts nor reaches the handler", async () => {
  const refuse = () => Promise.reject(new AppError("UNAUTHENTICATED"));
  const fakes = fakeDeps({ authenticateUser: refuse, authenticateService: refuse });
  for (const caller of ["user", "service"] as const) {
    const fetch = endpoint(
      { name: "things", caller, methods: ["GET"] },
      () => assert.fail("reached"),
      fakes.deps,
    );
    assert.equal((await failureOf(await fetch(new Request("http://f/things")))).status, 401);
  }
  assert.deepEqual(fakes.counted, []);
});

Deno.test("a used-up limit is 429 with Retry-After and RateLimit headers", async () => {
  const reset_at = new Date(Date.now() + 30_000).toISOString();
  const fakes = fakeDeps({
    consumeRateLimit: () =>
      Promise.resolve({ allowed: false, max_requests: 20, remaining: 0, reset_at }),
  });
  const response = await getEndpoint(() => assert.fail("reached"), fakes)(
    new Request("http://f/things"),
  );
  assert.equal(response.headers.get("retry-after"), "30");
  assert.equal(response.headers.get("ratelimit-remaining"), "0");
  assert.equal((await failureOf(response)).code, "RATE_LIMITED");
});

Deno.test("the public is counted by the address that the platform vouches for", async () => {
  const fakes = fakeDeps();
  const fetch = endpoint(
    { name: "things", caller: "public", methods: ["GET"] },
    () => ok({}),
    fakes.deps,
  );
  for (
    const [name, value] of [["cf-connecting-ip", "203.0.113.7"], ["x-forwarded-for", "6.6.6.6"]]
  ) {
    await fetch(new Request("http://f/things", { headers: { [name!]: value! } }));
  }
  assert.deepEqual(fakes.counted, [
    { functionName: "things", caller: "ip", key: "203.0.113.7" },
    { functionName: "things", caller: "ip", key: "unknown" },
  ]);
});

Deno.test("a database that cannot be reached is 503", async () => {
  const { consumeRateLimit: _, ...deps } = fakeDeps().deps;
  const fetch = endpoint({ name: "things", caller: "user", methods: ["GET"] }, () => ok({}), deps);
  const failure = await failureOf(await fetch(new Request("http://f/things")));
  assert.deepEqual([failure.status, failure.code], [503, "SERVICE_UNAVAILABLE"]);
});

Deno.test("an unknown error is 500 without a word about it, and is logged with its stack", async () => {
  const fakes = fakeDeps();
  const response = await getEndpoint(() => {
    throw new TypeError("secret plan at /etc/plan");
  }, fakes)(new Request("http://f/things"));
  const text = await response.text();
  assert.equal(response.status, 500);
  assert.equal(JSON.parse(text).error.code, "INTERNAL_ERROR");
  assert.ok(!text.includes("plan"));
  assert.match(JSON.stringify(fakes.lines[0]), /secret plan.*endpoint_test\.ts/);
});

for (
  const [what, thrown, status, code] of [
    ["a domain error of the database", postgrest("PT404", "JOB_NOT_FOUND"), 404, "JOB_NOT_FOUND"],
    ["a domain error nobody registered", postgrest("PT418", "TEAPOT"), 500, "INTERNAL_ERROR"],
    ["a token that ended on the way", postgrest("PGRST303", ""), 401, "UNAUTHENTICATED"],
    ["a statement timeout", postgrest("57014", ""), 503, "SERVICE_UNAVAILABLE"],
    ["a lack of rights", postgrest("42501", ""), 500, "INTERNAL_ERROR"],
    ["a provider that is down", provider("retry_transient"), 502, "PROVIDER_UNAVAILABLE"],
    ["a provider that asks to wait", provider("retry_after"), 429, "PROVIDER_RATE_LIMITED"],
    ["a grant that is gone", provider("reauth"), 409, "CONNECTION_REVOKED"],
  ] as const
) {
  Deno.test(`${what} is ${status} ${code}`, async () => {
    const fetch = getEndpoint(() => Promise.reject(thrown));
    const failure = await failureOf(await fetch(new Request("http://f/things")));
    assert.deepEqual([failure.status, failure.code], [status, code]);
  });
}

Deno.test("details and retry_after of a database error reach the client", async () => {
  const error = postgrest("PT429", "JOB_LIMIT_REACHED", '{"limit":10,"retry_after":7}');
  const response = await getEndpoint(() => Promise.reject(error))(new Request("http://f/things"));
  assert.equal(response.headers.get("retry-after"), "7");
  assert.deepEqual((await failureOf(response)).details, { limit: 10, retry_after: 7 });
});

Deno.test("what the database finds not valid is listed by its place, like any other issue", async () => {
  const detailsOf = async (code: string, hint: string, details = "") =>
    (await failureOf(
      await getEndpoint(() => Promise.reject(postgrest(code, hint, details)))(
        new Request("http://f/things"),
      ),
    )).details;
  const message = "internal words";
  assert.deepEqual(await detailsOf("PT400", "VALIDATION_ERROR", '{"field":"bio"}'), {
    issues: [{ path: "body.bio", code: "custom", message }],
  });
  assert.deepEqual(await detailsOf("PT400", "VALIDATION_ERROR", '{"field":"p_limit"}'), {
    issues: [{ path: "body.limit", code: "custom", message }],
  });
  for (
    const [code, hint, details] of [["PT400", "VALIDATION_ERROR", '{"field":null}'], ["22021", ""]]
  ) {
    const { issues } = await detailsOf(code!, hint!, details);
    assert.deepEqual(issues.map(({ path }: { path: string }) => path), ["body"], code);
  }
});

Deno.test("a body that is no JSON is an issue of the body", async () => {
  const { details } = await failureOf(await postEndpoint()(post('{"name":')));
  assert.deepEqual(details, {
    issues: [{ path: "body", code: "custom", message: "The request body is not valid JSON." }],
  });
});

Deno.test("every request is one log line that names caller, outcome and request id", async () => {
  const fakes = fakeDeps();
  const id = "client-chosen-id";
  await postEndpoint(fakes)(
    post('{"name":"a"}', { "x-request-id": id, authorization: "Bearer s3cr3t" }),
  );
  await postEndpoint(fakes)(post("{", { "x-request-id": "bad id\n".trim() }));
  assert.equal(fakes.lines.length, 2);
  const [good, bad] = fakes.lines;
  assert.equal(good!.request_id, id);
  assert.deepEqual(
    [good!.function, good!.method, good!.status, good!.user_id, typeof good!.duration_ms],
    ["things", "POST", 202, USER.id, "number"],
  );
  assert.equal(bad!.error_code, "VALIDATION_ERROR");
  assert.notEqual(bad!.request_id, "bad id");
  assert.ok(!JSON.stringify(fakes.lines).includes("s3cr3t"));
});

Deno.test("HEAD is answered as GET without a body", async () => {
  const fetch = getEndpoint(() => ok({ a: 1 }));
  const response = await fetch(new Request("http://f/things", { method: "HEAD" }));
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "");
  assert.ok(response.headers.get("etag"));
});

Deno.test("an unchanged answer is 304 to who has its ETag, and a failure has none", async () => {
  let value = 1;
  const fetch = getEndpoint(() =>
    value > 2 ? Promise.reject(new AppError("NOT_FOUND")) : ok({ value })
  );
  const first = await fetch(new Request("http://f/things"));
  const headers = { "if-none-match": first.headers.get("etag")! };
  assert.equal(first.headers.get("cache-control"), "private, no-cache");
  const again = await fetch(new Request("http://f/things", { headers }));
  assert.deepEqual([again.status, await again.text()], [304, ""]);
  value = 2;
  assert.equal((await fetch(new Request("http://f/things", { headers }))).status, 200);
  value = 3;
  const failed = await fetch(new Request("http://f/things", { headers }));
  assert.deepEqual(
    [failed.status, failed.headers.get("etag"), failed.headers.get("cache-control")],
    [404, null, "no-store"],
  );
});

Deno.test("a webhook is verified on the raw body before anything is read from it", async () => {
  const { deps } = fakeDeps();
  const fetch = endpoint(
    {
      name: "hook",
      caller: "webhook",
      methods: ["POST"],
      verify: (_, rawBody) =>
        new TextDecoder().decode(rawBody) === '{"name":"a"}'
          ? Promise.resolve()
          : Promise.reject(new AppError("UNAUTHENTICATED")),
      body: Body,
    },
    ({ body }) => ok(body),
    deps,
  );
  assert.equal((await fetch(post('{"name":"a"}'))).status, 200);
  assert.equal((await fetch(post("{"))).status, 401);
});

Deno.test("endpoint() fails at start for missing configuration, and for a webhook without a proof", () => {
  const missing = () => {
    throw new Error("Not set: SOME_KEY");
  };
  const options = { name: "things", caller: "public", methods: ["GET"] } as const;
  assert.throws(() => endpoint({ ...options, needs: [missing] }, () => ok({})), /SOME_KEY/);
  assert.throws(() => endpoint({ ...options, caller: "webhook" }, () => ok({})), /verify/);
});

function postgrest(code: string, hint: string, details = "") {
  return new PostgrestError({ code, hint, details, message: "internal words" });
}

function provider(kind: ProviderError["class"]) {
  return new ProviderError({
    provider: "youtube",
    httpStatus: 500,
    code: "c",
    reason: "r",
    message: "m",
    class: kind,
  });
}
