import assert from "node:assert/strict";
import type postgres from "postgres";
import { contractDatabase, eventually, failure, inVain } from "./contract_database.ts";
import { type Seen, startTarget } from "./http_target.ts";

const responseTo = (sql: postgres.Sql, id: string) =>
  eventually(async () => (await sql`select * from net._http_response where id = ${id}`)[0]);

Deno.test("pg_net", async (t) => {
  await using sql = await contractDatabase();
  await using target = startTarget();
  const post = async (path: string, timeout = 5000) => {
    const [row] = await sql<[{ id: string }]>`
      select net.http_post(
        ${target.url + path}, '{"a": 1}'::jsonb, timeout_milliseconds => ${timeout}
      ) as id`;
    return row.id;
  };

  await t.step("a committed post is sent at once, as JSON, by pg_net", async () => {
    // Each waits for the batch before it, should somebody else have sent one just now, and for a breath
    // of a second after that one.
    let id = "";
    let request: Seen | undefined;
    for (let n = 1; !request; n++) {
      assert(n <= 10, "one of ten is sent at once");
      id = await post(`/first?${n}`);
      const committed = performance.now();
      const sent = await target.seen(`/first?${n}`);
      if (sent.at - committed < 2500) request = sent;
    }
    assert.equal(request.method, "POST");
    assert.equal(request.body, '{"a": 1}');
    assert.equal(request.headers["content-type"], "application/json");
    assert.match(request.headers["user-agent"] ?? "", /^pg_net\/\d/);
    const response = await responseTo(sql, id);
    assert.equal(response.status_code, 200);
    assert.equal(response.content, "fine");
    assert.equal(response.timed_out, false);
    assert.equal(response.error_msg, null);
    const [queued] = await sql`select count(*)::int from net.http_request_queue where id = ${id}`;
    assert.equal(queued?.count, 0);
  });

  await t.step("get and delete carry encoded parameters", async () => {
    await sql`select net.http_get(${target.url + "/get?a=1"}, '{"q": "ü &"}'::jsonb)`;
    assert.equal((await target.seen("/get?a=1&q=%c3%bc%20%26")).method, "GET");
    await sql`select net.http_delete(${
      target.url + "/delete"
    }, headers => '{"X-One": "1"}'::jsonb)`;
    assert.equal((await target.seen("/delete")).headers["x-one"], "1");
  });

  await t.step(
    "a rolled back post is never sent; net.wake() sends what was inserted directly",
    async () => {
      await inVain(sql, async (sql) => {
        await sql`select net.http_post(${target.url + "/rolled-back"})`;
      });
      await sql`insert into net.http_request_queue (method, url, timeout_milliseconds)
      values ('GET', ${target.url + "/direct"}, 1000)`;
      await sql`select net.wake()`;
      await target.seen("/direct");
      assert.equal(target.count("/rolled-back"), 0);
    },
  );

  await t.step("statuses are answers, redirects are followed", async () => {
    const bad = await responseTo(sql, await post("/bad"));
    assert.equal(bad.status_code, 418);
    assert.match(bad.content_type, /^application\/json/);
    assert.deepEqual(JSON.parse(bad.content), { bad: true });
    assert.equal((await responseTo(sql, await post("/moved"))).status_code, 200);
    await target.seen("/target");
  });

  await t.step("a timeout and a dead host are rows, and nothing is tried again", async () => {
    const late = await responseTo(sql, await post("/slow", 1000));
    assert.equal(late.status_code, null);
    assert.equal(late.timed_out, true);
    assert.match(late.error_msg, /^Timeout of 1000 ms reached\. Total time: /);
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const nobody = `http://127.0.0.1:${closed.addr.port}/`;
    closed.close();
    const [row] = await sql<[{ id: string }]>`select net.http_get(${nobody}) as id`;
    const dead = await responseTo(sql, row.id);
    assert.equal(dead.timed_out, false);
    assert.match(dead.error_msg, /connect/i);
    assert.equal(target.count("/slow"), 1);
    target.answerSlow();
  });

  await t.step("no answer of a batch is seen before its slowest request ended", async () => {
    const [row] = await sql<[{ slow: string; quick: string }]>`
      select net.http_get(${target.url + "/slow"}) as slow,
        net.http_get(${target.url + "/quick"}) as quick`;
    await target.seen("/quick");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const early = await sql`select id from net._http_response where id = ${row.quick}`;
    assert.equal(early.length, 0);
    target.answerSlow();
    await responseTo(sql, row.slow);
    await responseTo(sql, row.quick);
  });

  await t.step("bad calls fail with the known texts", () =>
    inVain(sql, async (sql) => {
      const error = (query: string) => failure(sql, (sql) => sql.unsafe(query));
      const wrongType = await error(
        `select net.http_post('http://x', headers => '{"content-type": "text/plain"}')`,
      );
      assert.equal(wrongType.message, 'Content-Type header must be "application/json"');
      assert.match(
        (await error("select net.http_get(null)")).message,
        /null value in column "url"/,
      );
      assert.match((await error("select net.http_get('nowhere')")).message, /nowhere/);
    }));

  await t.step("what is not given has the known defaults", () =>
    inVain(sql, async (sql) => {
      const queued = async (call: string) => {
        const [row] = await sql.unsafe(`
          with sent as (select ${call} as id) select id from sent`);
        const [request] = await sql`
          select method::text, url, headers, convert_from(body, 'UTF8') as body, timeout_milliseconds as ms
          from net.http_request_queue where id = ${row?.id}`;
        return { ...request };
      };
      assert.deepEqual(await queued("net.http_get('http://contract.example')"), {
        method: "GET",
        url: "http://contract.example/",
        headers: {},
        body: null,
        ms: 5000,
      });
      assert.deepEqual(await queued("net.http_post('http://contract.example/a')"), {
        method: "POST",
        url: "http://contract.example/a",
        headers: { "Content-Type": "application/json" },
        body: "{}",
        ms: 5000,
      });
      assert.deepEqual(await queued("net.http_delete('http://contract.example/a')"), {
        method: "DELETE",
        url: "http://contract.example/a",
        headers: {},
        body: null,
        ms: 5000,
      });
      const typed = await queued(
        `net.http_post('http://contract.example', headers => '{"X-One": "1"}')`,
      );
      assert.deepEqual(typed.headers, { "X-One": "1", "Content-Type": "application/json" });
    }));

  await t.step("a request is nobody's before its transaction ends", async () => {
    let sent = 0;
    await sql.begin(async (sql) => {
      await sql`select net.http_get(${target.url + "/uncommitted"})`;
      await new Promise((resolve) => setTimeout(resolve, 800));
      sent = target.count("/uncommitted");
    });
    assert.equal(sent, 0);
    await target.seen("/uncommitted");
  });

  await t.step(
    "every role may queue a request: nothing but the exposed schemas protects it",
    () =>
      inVain(sql, async (sql) => {
        const rights = await sql<{ role: string; may: boolean }[]>`
        select role, has_schema_privilege(role, 'net', 'usage')
          and has_table_privilege(role, 'net.http_request_queue', 'select, insert')
          and has_function_privilege(role, 'net.http_get(text, jsonb, jsonb, integer)', 'execute') as may
        from unnest(array['anon', 'authenticated', 'service_role']) as role`;
        assert.deepEqual(rights.map(({ may }) => may), [true, true, true]);
        const [table] = await sql`
        select relpersistence = 'u' as unlogged from pg_class where oid = 'net._http_response'::regclass`;
        assert.equal(table?.unlogged, true);
      }),
  );

  await t.step("the worker is up", async () => {
    await sql`select net.check_worker_is_up()`;
    await sql`select net.wait_until_running()`;
  });
});
