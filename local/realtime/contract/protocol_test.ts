import assert from "node:assert/strict";
import { type Frame, RawSocket, versions } from "./raw_socket.ts";
import { silence } from "./inbox.ts";
import { Project } from "./project.ts";

const ok = { status: "ok", response: {} };
const newTopic = () => `contract-${crypto.randomUUID()}`;
const reason = ({ payload }: Frame) => (payload.response as { reason?: string }).reason;

for (const version of versions) {
  Deno.test(`joins, leaves, heartbeats and what is unknown (${version})`, async () => {
    await using project = await Project.open();
    using socket = await RawSocket.open(project, { version });
    const topic = newTopic();

    socket.send({ topic: "phoenix", event: "heartbeat", ref: "7", joinRef: null });
    assert.deepEqual((await socket.reply("7")).payload, ok);

    const joined = await socket.join(topic, {}, "1");
    assert.deepEqual(joined.payload, { status: "ok", response: { postgres_changes: [] } });
    assert.equal(joined.topic, `realtime:${topic}`);

    socket.send({ topic: `realtime:${topic}`, event: "never_heard_of", ref: "8" });
    socket.send({ topic: `realtime:${topic}`, event: "phx_leave", ref: "9" });
    assert.deepEqual((await socket.reply("9")).payload, ok);
    const { topic: closed } = await socket.event("phx_close");
    assert.equal(closed, `realtime:${topic}`);
    assert.ok(!socket.frames.all.some(({ ref }) => ref === "8"), "what is unknown is ignored");

    socket.send({ topic: `realtime:${topic}`, event: "broadcast", ref: "10" });
    assert.equal(reason(await socket.reply("10")), "unmatched topic");
  });

  Deno.test(`a topic joined again replaces the join before (${version})`, async () => {
    await using project = await Project.open();
    using socket = await RawSocket.open(project, { version });
    const topic = newTopic();
    const config = { broadcast: { self: "true", ack: true } };
    await socket.join(topic, { config }, "1");
    await socket.join(topic, { config }, "2");
    assert.equal((await socket.event("phx_close")).ref, "1");

    // A leave of the first join comes too late; anything else is taken whatever join it names.
    socket.send({ topic: `realtime:${topic}`, event: "phx_leave", ref: "3", joinRef: "1" });
    const payload = { type: "broadcast", event: "e", payload: { n: 1 } };
    for (const [ref, joinRef] of [["4", "1"], ["5", null]] as const) {
      socket.send({ topic: `realtime:${topic}`, event: "broadcast", payload, ref, joinRef });
      assert.deepEqual((await socket.reply(ref)).payload, ok);
    }
    assert.deepEqual((await socket.event("broadcast")).payload, payload);
    assert.equal(socket.count("phx_close"), 1);
  });
}

Deno.test("a channel needs a name", async () => {
  await using project = await Project.open();
  using socket = await RawSocket.open(project);
  assert.equal(reason(await socket.join("")), "TopicNameRequired: You must provide a topic name");
});

Deno.test("bindings are repeated as they were asked for; null is none", async () => {
  await using project = await Project.open();
  using socket = await RawSocket.open(project);
  const wanted = { event: "INSERT", schema: "public", table: "no_such_table" };
  const answer = await socket.join(newTopic(), { config: { postgres_changes: [wanted, null] } });
  const { postgres_changes } = answer.payload.response as { postgres_changes: { id: number }[] };
  const [{ id, ...echo } = { id: 0 }] = postgres_changes;
  assert.equal(postgres_changes.length, 1);
  assert.ok(Number.isInteger(id) && id > 0);
  assert.deepEqual(echo, wanted);
  assert.equal(
    (await socket.event("system")).payload.message,
    "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for " +
      "the given connect parameters: " +
      "[event: INSERT, schema: public, table: no_such_table, filters: [], select: nil]",
  );
});

Deno.test("a token that breaks between two joins ends the first as well", async () => {
  await using project = await Project.open();
  const bad: [string, RegExp][] = [
    [await project.token("x", { seconds: -5 }), /^InvalidJWTToken: Token has expired \d+ seconds/],
    ["potato", /^MalformedJWT: The token provided is not a valid JWT$/],
  ];
  for (const [access_token, expected] of bad) {
    using socket = await RawSocket.open(project);
    const topic = newTopic();
    await socket.join(topic, {}, "1");
    assert.match(reason(await socket.join(topic, { access_token }, "2")) ?? "", expected);
    await socket.event("phx_close");
  }
});

Deno.test("a new token is judged; a key or nothing in its place is ignored", async () => {
  await using project = await Project.open();
  const topic = newTopic();
  const refresh = async (access_token: unknown) => {
    using socket = await RawSocket.open(project);
    const token = await project.token("x");
    await socket.join(topic, { access_token: token });
    socket.send({ topic: `realtime:${topic}`, event: "access_token", payload: { access_token } });
    await silence();
    const system = socket.frames.all.find(({ event }) => event === "system");
    assert.equal(socket.count("phx_close"), system ? 1 : 0);
    return system?.payload.message;
  };
  assert.equal(await refresh(null), undefined);
  assert.equal(await refresh("sb_publishable_other"), undefined);
  assert.equal(await refresh(await project.token("y")), undefined);
  assert.equal(await refresh(""), "The token provided is not a valid JWT");
  assert.match(
    String(await refresh(await project.token("x", { seconds: -5 }))),
    /^Token has expired \d+ seconds ago$/,
  );
});

Deno.test("a key in place of a token does not prolong what a token allowed", async () => {
  await using project = await Project.open();
  using socket = await RawSocket.open(project);
  const topic = newTopic();
  await socket.join(topic, { access_token: await project.token("x", { seconds: 2 }) });
  const payload = { access_token: "sb_publishable_other" };
  socket.send({ topic: `realtime:${topic}`, event: "access_token", payload });
  assert.match(String((await socket.event("system")).payload.message), /^Token has expired/);
  await socket.event("phx_close");
});

Deno.test("a policy that fails permits nothing", async () => {
  await using project = await Project.open();
  const name = `contract-broken-${crypto.randomUUID().slice(0, 8)}`;
  await project.during(
    `create policy "${name}" on realtime.messages for select to authenticated using (
      (select realtime.topic()) = '${name}' and 1 / (length(realtime.topic()) - ${name.length}) > 0
    )`,
    `drop policy "${name}" on realtime.messages`,
  );
  using socket = await RawSocket.open(project);
  const answer = await socket.join(name, {
    config: { private: true },
    access_token: await project.token("x"),
  });
  assert.equal(
    reason(answer),
    `Unauthorized: You do not have permissions to read from this Channel topic: ${name}`,
  );
});
