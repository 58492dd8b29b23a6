import assert from "node:assert/strict";
import postgres from "postgres";
import { readStack } from "../stack/client.ts";
import { waitUntil } from "../stack/process.ts";
import { RawSocket } from "./contract/raw_socket.ts";
import { Project } from "./contract/project.ts";
import { type Plan, plans } from "./rates.ts";
import { type RealtimeServer, startRealtime } from "./server.ts";

/** Half a second is the minute here, by a clock that stands still unless a test moves it. */
class Clock {
  #now = Date.now();
  readonly tickMs = 250;
  readonly ticks = 2;
  readonly now = () => this.#now;

  pass(ms: number): void {
    this.#now += ms;
  }
}

/** A server of the test's own beside the stack's, with a plan of its own. */
async function withServer(
  plan: Partial<Plan>,
  work: (project: Project, apiUrl: string, server: RealtimeServer, clock: Clock) => Promise<void>,
  databaseUrl?: string,
): Promise<void> {
  const stack = await readStack();
  const clock = new Clock();
  const server = startRealtime({
    databaseUrl: databaseUrl ?? stack.admin_db_url,
    port: 0,
    publishableKey: stack.publishable_key,
    secretKey: stack.secret_key,
    jwtSecret: stack.jwt_secret,
    jwksUrl: `${stack.api_url}/auth/v1/.well-known/jwks.json`,
    log: () => {},
    plan: { ...plans.team, ...plan },
    counting: clock,
  });
  try {
    await using project = await Project.open();
    await work(project, `http://127.0.0.1:${server.port}`, server, clock);
  } finally {
    await server.stop();
  }
}

const newTopic = () => `contract-${crypto.randomUUID()}`;
const reasonOf = (payload: Record<string, unknown>) =>
  (payload.response as { reason?: string }).reason;

async function handshake(apiUrl: string, key: string) {
  const response = await fetch(`${apiUrl}/realtime/v1/websocket?apikey=${key}`);
  return [response.status, (await response.json()).error];
}

Deno.test("sockets with channels are counted: the next one may not join, then not connect", () =>
  withServer({ connections: 1 }, async (project, apiUrl) => {
    using one = await RawSocket.open(project, { apiUrl });
    using other = await RawSocket.open(project, { apiUrl });
    assert.equal((await one.join(newTopic(), {}, "1")).payload.status, "ok");
    assert.equal((await one.join(newTopic(), {}, "2")).payload.status, "ok");
    assert.equal(
      reasonOf((await other.join(newTopic())).payload),
      "ConnectionRateLimitReached: Too many connected users",
    );
    const { publishableKey } = project.target;
    assert.deepEqual(await handshake(apiUrl, publishableKey), [429, "Too many connected users"]);
    one[Symbol.dispose]();
    await one.closed;
    assert.ok(
      await waitUntil(async () => (await handshake(apiUrl, publishableKey))[0] === 426, 20_000),
    );
  }));

Deno.test("too many joins are refused and end the socket, until they are fewer", () =>
  withServer({ joins: 10 }, async (project, apiUrl, _server, clock) => {
    using socket = await RawSocket.open(project, { apiUrl });
    let joined = 0;
    const topic = newTopic();
    let answer = await socket.join(topic, {}, "first");
    while (answer.payload.status === "ok" && ++joined < 100) {
      clock.pass(40);
      answer = await socket.join(topic, {}, `${joined}`);
    }
    assert.ok(joined >= 5, `${joined} joins`);
    assert.equal(
      reasonOf(answer.payload),
      "ClientJoinRateLimitReached: Too many joins per second",
    );
    await socket.closed;
    const { publishableKey } = project.target;
    assert.deepEqual(await handshake(apiUrl, publishableKey), [429, "Too many joins per second"]);
    clock.pass(1_000);
    assert.equal((await handshake(apiUrl, publishableKey))[0], 426);
  }));

Deno.test("too many messages end the channels that get them, and REST says 429", () =>
  withServer({ messages: 20 }, async (project, apiUrl, _server, clock) => {
    using socket = await RawSocket.open(project, { apiUrl });
    const topic = newTopic();
    await socket.join(topic, { config: { broadcast: { self: true } } });
    const payload = { type: "broadcast", event: "e", payload: {} };
    const say = () => socket.send({ topic: `realtime:${topic}`, event: "broadcast", payload });
    for (let n = 0; n < 20; n++) say();
    await socket.frames.until(() =>
      socket.frames.all.filter(({ event }) => event === "broadcast").length === 20
    );
    clock.pass(250);
    say();
    const { payload: told } = await socket.event("system");
    assert.deepEqual([told.status, told.message], ["error", "Too many messages per second"]);
    await socket.event("phx_close");

    const post = async (count: number) => {
      const message = { topic, event: "e", payload: {} };
      const response = await fetch(`${apiUrl}/realtime/v1/api/broadcast`, {
        method: "POST",
        headers: { apikey: project.target.publishableKey, "content-type": "application/json" },
        body: JSON.stringify({ messages: Array.from({ length: count }, () => message) }),
      });
      return [response.status, (await response.text()).slice(12, 40)];
    };
    assert.deepEqual(await post(1), [429, "You have exceeded your rate "]);
    clock.pass(1_000);
    assert.equal((await post(1))[0], 202);
    assert.deepEqual(await post(100), [429, "Too many messages to broadca"]);
  }));

Deno.test("too many presence messages end the channel", () =>
  withServer({ presence: 4 }, async (project, apiUrl, _server, clock) => {
    using socket = await RawSocket.open(project, { apiUrl });
    const topic = newTopic();
    await socket.join(topic, { config: { presence: { enabled: true } } });
    const track = (n: number) =>
      socket.send({
        topic: `realtime:${topic}`,
        event: "presence",
        payload: { type: "presence", event: "track", payload: { n } },
      });
    track(1);
    await socket.event("presence_diff");
    clock.pass(250);
    track(2);
    const { payload } = await socket.event("system");
    assert.equal(payload.message, "Too many presence messages per second");
  }));

Deno.test("a server that goes says so, and clients know that they may come back", () =>
  withServer({}, async (project, apiUrl, server) => {
    using socket = await RawSocket.open(project, { apiUrl });
    await socket.join(newTopic());
    await server.stop();
    assert.equal((await socket.closed).code, 1012);
  }));

Deno.test("without its database, public channels work and private ones are refused", async () => {
  const nowhere = "postgresql://supabase_admin:postgres@127.0.0.1:9/postgres";
  await withServer({}, async (project, apiUrl) => {
    using socket = await RawSocket.open(project, { apiUrl });
    const topic = newTopic();
    await socket.join(topic, { config: { broadcast: { self: true } } });
    socket.send({
      topic: `realtime:${topic}`,
      event: "broadcast",
      payload: { type: "broadcast", event: "e", payload: {} },
    });
    await socket.event("broadcast");
    socket.send({
      topic: `realtime:${newTopic()}`,
      event: "phx_join",
      payload: { config: { private: true } },
      ref: "private",
    });
    const replied = () => socket.frames.all.find(({ ref }) => ref === "private");
    assert.ok(await waitUntil(() => replied() !== undefined, 30_000, 100));
    assert.equal(
      reasonOf(replied()!.payload),
      "UnableToConnectToProject: Realtime was unable to connect to the project database",
    );
  }, nowhere);
});

Deno.test("no slot is left when a server goes, and one that lives lets go of what it has read", async () => {
  const stack = await readStack();
  const sql = postgres(stack.admin_db_url, { max: 1, onnotice: () => {} });
  const slots = async () =>
    new Map(
      (await sql<{ name: string; kept: string }[]>`
        select slot_name as name, pg_current_wal_lsn() - restart_lsn as kept
        from pg_replication_slots where slot_name like 'realtime%'`)
        .map(({ name, kept }) => [name, Number(kept)]),
    );
  try {
    const [{ keep } = { keep: "" }] = await sql<{ keep: string }[]>`
      select current_setting('max_slot_wal_keep_size') as keep`;
    assert.notEqual(keep, "-1", "the last resort: a slot that nobody reads is given up");
    const before = await slots();
    await withServer({}, async () => {
      assert.ok(await waitUntil(async () => (await slots()).size === before.size + 1, 30_000));
      const [mine] = [...(await slots()).keys()].filter((name) => !before.has(name));
      // Nobody listens, and nothing of this is published.
      await sql`create table if not exists private.contract_bulk (text text)`;
      for (let n = 0; n < 4; n++) {
        await sql`insert into private.contract_bulk select repeat('x', 1000) from generate_series(1, 5000)`;
      }
      // A slot moves at a checkpoint, and then not past what happens to be open at that moment.
      const letsGo = async () => {
        await sql`checkpoint`;
        return ((await slots()).get(mine ?? "") ?? Infinity) < 5_000_000;
      };
      assert.ok(await waitUntil(letsGo, 60_000, 250), `${(await slots()).get(mine ?? "")} bytes`);
    });
    assert.ok(await waitUntil(async () => (await slots()).size === before.size, 30_000));
  } finally {
    await sql`drop table if exists private.contract_bulk`;
    await sql.end();
  }
});
