import { deepEqual, equal, match, ok } from "node:assert/strict";
import { codeFromMail } from "../mailbox/code_from_mail.ts";
import { type Answer, apiTarget, ask, asPostgres, type Caller } from "./contract_target.ts";
import { book, createThings, dropThings, id, shelf } from "./contract_things.ts";

const target = await apiTarget();

async function signUp(): Promise<Caller> {
  const email = `contract-${crypto.randomUUID()}@example.com`;
  const post = (path: string, body: unknown) =>
    ask(target, "anon", "POST", `/auth/v1${path}`, { body });
  await post("/signup", { email, password: "Correct horse 1!" });
  const code = await codeFromMail(target.mailUrl, email);
  const { body } = await post("/verify", { type: "signup", email, token: code });
  return { token: (body as { access_token: string }).access_token };
}

const get = (caller: Caller, path: string, headers: Record<string, string> = {}) =>
  ask(target, caller, "GET", `/rest/v1/${path}`, { headers });
const rpc = (caller: Caller, name: string, body: unknown = {}) =>
  ask(target, caller, "POST", `/rest/v1/rpc/contract_${name}_${id}`, { body });
const refusal = ({ status, body }: Answer) => [status, (body as { code?: string }).code];

Deno.test("data API", async (t) => {
  await asPostgres(target, createThings);
  try {
    const user = await signUp();
    for (let tries = 0; (await get("anon", shelf)).status === 404 && tries < 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }

    await t.step(
      "who may not is told so: 401 without a user, 403 as one, and the shape of an error",
      async () => {
        equal((await get("nobody", shelf)).status, 401);
        const refused = await get("anon", book);
        deepEqual(refusal(refused), [401, "42501"]);
        deepEqual(Object.keys(refused.body as object).sort(), [
          "code",
          "details",
          "hint",
          "message",
        ]);
        deepEqual(refusal(await rpc("anon", "hidden")), [401, "42501"]);
        deepEqual(refusal(await rpc(user, "hidden")), [403, "42501"]);
        const insert = await ask(target, user, "POST", `/rest/v1/${shelf}`, {
          body: { id: 5, label: "x" },
        });
        deepEqual(refusal(insert), [403, "42501"]);
        match((insert.body as { message: string }).message, /row-level security/);
      },
    );

    await t.step("what is not there is 404", async () => {
      deepEqual(refusal(await get(user, `nothing_${id}`)), [404, "PGRST205"]);
      deepEqual(refusal(await rpc(user, "nothing")), [404, "PGRST202"]);
      deepEqual(refusal(await rpc(user, "echo", { p_wrong: 1 })), [404, "PGRST202"]);
      equal((await get(user, `${shelf}?wrong=eq.1`)).status, 400);
      equal((await get(user, `${shelf}?select=wrong`)).status, 400);
    });

    await t.step("an error PTnnn is status nnn, with all its words", async () => {
      for (const status of [402, 409, 429, 503]) {
        const answer = await rpc(user, "raise", { p_code: `PT${status}` });
        equal(answer.status, status);
        deepEqual(answer.body, {
          code: `PT${status}`,
          message: "said",
          details: "why",
          hint: "what to do",
        });
      }
      equal((await rpc(user, "raise", { p_code: "P0001" })).status, 400);
    });

    await t.step("constraints have statuses of their own", async () => {
      const add = (table: string, body: unknown) =>
        ask(target, user, "POST", `/rest/v1/${table}`, { body });
      equal((await add(shelf, { id: 2000, label: "mine" })).status, 201);
      deepEqual(refusal(await add(shelf, { id: 2000, label: "other" })), [409, "23505"]);
      deepEqual(refusal(await add(book, { id: 9, shelf_id: -1 })), [409, "23503"]);
      deepEqual(refusal(await add(book, { id: 9, shelf_id: 1, pages: 0 })), [400, "23514"]);
      deepEqual(refusal(await add(shelf, { id: 2001 })), [400, "23502"]);
      equal((await add(shelf, { id: "word", label: "x" })).status, 400);
      equal((await add(shelf, { id: 2001, nothing: 1 })).status, 400);
    });

    await t.step(
      "writes answer with rows when asked, and touch what the policy lets them",
      async () => {
        const wanted = { prefer: "return=representation" };
        const path = `/rest/v1/${shelf}`;
        const upserted = await ask(target, user, "POST", path, {
          body: { id: 2000, label: "renamed" },
          headers: { prefer: "return=representation,resolution=merge-duplicates" },
        });
        deepEqual(upserted.body, [{ id: 2000, label: "renamed" }]);
        const patched = await ask(target, user, "PATCH", `${path}?id=in.(1,2000)`, {
          body: { label: "patched" },
          headers: wanted,
        });
        deepEqual([patched.status, patched.body], [200, [{ id: 2000, label: "patched" }]]);
        equal(
          (await ask(target, user, "PATCH", `${path}?id=eq.2000`, { body: { label: "q" } })).status,
          204,
        );
        const deleted = await ask(target, user, "DELETE", `${path}?id=in.(1,2000)`, {
          headers: wanted,
        });
        deepEqual(deleted.body, [{ id: 2000, label: "q" }]);
      },
    );

    await t.step("max_rows ends every answer; counts and ranges say of how many", async () => {
      equal(((await get(user, shelf)).body as unknown[]).length, 1000);
      const page = await get(user, `${shelf}?select=id&order=id&limit=2&offset=3`, {
        prefer: "count=exact",
      });
      deepEqual(page.body, [{ id: 4 }, { id: 5 }]);
      equal(page.status, 206);
      equal(page.headers.get("content-range"), "3-4/1100");
      const ranged = await get(user, `${shelf}?select=id&order=id`, {
        range: "10-11",
        "range-unit": "items",
      });
      deepEqual(ranged.body, [{ id: 11 }, { id: 12 }]);
      const head = await ask(target, user, "HEAD", `/rest/v1/${shelf}`, {
        headers: { prefer: "count=exact" },
      });
      match(head.headers.get("content-range") ?? "", /\/1100$/);
    });

    await t.step("filters, orders and embedded rows", async () => {
      const filtered = await get(
        user,
        `${shelf}?select=id&or=(id.eq.7,label.eq.shelf 3)&order=id.desc`,
      );
      deepEqual(filtered.body, [{ id: 7 }, { id: 3 }]);
      const embedded = await get(user, `${shelf}?select=id,${book}(id,pages)&id=lte.2&order=id`);
      deepEqual(embedded.body, [
        { id: 1, [book]: [{ id: 1, pages: 100 }, { id: 2, pages: 200 }] },
        { id: 2, [book]: [{ id: 3, pages: 300 }] },
      ]);
      const inner = await get(user, `${book}?select=id,shelf:${shelf}!inner(label)&shelf.id=eq.2`);
      deepEqual(inner.body, [{ id: 3, shelf: { label: "shelf 2" } }]);
    });

    await t.step("one row on request, or 406 when there is not just one", async () => {
      const accept = { accept: "application/vnd.pgrst.object+json" };
      deepEqual((await get(user, `${shelf}?id=eq.1`, accept)).body, { id: 1, label: "shelf 1" });
      deepEqual(refusal(await get(user, `${shelf}?id=eq.-1`, accept)), [406, "PGRST116"]);
      deepEqual(refusal(await get(user, `${shelf}?id=lt.3`, accept)), [406, "PGRST116"]);
    });

    await t.step("functions take JSON and arrays, give rows, and can be filtered", async () => {
      const value = { a: [1, null, "ü"], b: { c: true } };
      deepEqual((await rpc(user, "echo", { p_value: value, p_list: [1, 2] })).body, {
        value,
        list: [1, 2],
      });
      const rows = await ask(
        target,
        user,
        "POST",
        `/rest/v1/rpc/contract_pages_${id}?select=id&id=gt.2`,
        {
          body: { p_least: 200 },
        },
      );
      deepEqual(rows.body, [{ id: 3 }]);
      const read = await get(user, `rpc/contract_pages_${id}?p_least=300&select=id`);
      deepEqual(read.body, [{ id: 3 }]);
    });

    await t.step("a statement has the time of its role: 3 s for anon, 8 s for a user", async () => {
      const begun = performance.now();
      const [late, fine] = await Promise.all([
        rpc("anon", "sleep", { p_seconds: 6 }),
        rpc(user, "sleep", { p_seconds: 4 }),
      ]);
      deepEqual(refusal(late), [500, "57014"]);
      deepEqual([fine.status, fine.body], [200, 4]);
      ok(performance.now() - begun < 6000);
    });

    await t.step("what was revoked is revoked after a hundred requests of everybody", async () => {
      await Promise.all(Array.from({ length: 100 }, async (_, index) => {
        const caller: Caller = index % 3 === 0 ? "anon" : index % 3 === 1 ? "service" : user;
        await get(caller, `${shelf}?limit=1`);
      }));
      deepEqual(refusal(await get("anon", book)), [401, "42501"]);
      deepEqual(refusal(await get("service", shelf)), [403, "42501"]);
    });
  } finally {
    await asPostgres(target, dropThings);
  }
});
