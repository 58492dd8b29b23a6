import assert from "node:assert/strict";
import { RawSocket } from "./raw_socket.ts";
import { heardOn, silence, subscribed } from "./inbox.ts";
import { Project } from "./project.ts";

type Extension = "broadcast" | "presence";

/** Lets signed-in users read and write a topic of its own, kind by kind; returns its name. */
async function topicWith(
  project: Project,
  rights: { read?: Extension[]; write?: Extension[]; presenceReader?: string },
): Promise<string> {
  const topic = `contract-${crypto.randomUUID().slice(0, 8)}`;
  const policy = async (name: string, command: string, condition: string) => {
    const clause = command === "insert" ? "with check" : "using";
    await project.during(
      `create policy "${topic}_${name}" on realtime.messages for ${command} to authenticated
        ${clause} ((select realtime.topic()) = '${topic}' and ${condition})`,
      `drop policy "${topic}_${name}" on realtime.messages`,
    );
  };
  const among = (kinds: Extension[]) =>
    `extension in (${kinds.map((kind) => `'${kind}'`).join(", ")})`;
  if (rights.read) await policy("read", "select", among(rights.read));
  if (rights.write) await policy("write", "insert", among(rights.write));
  if (rights.presenceReader) {
    const sub = "(current_setting('request.jwt.claims', true)::jsonb ->> 'sub')";
    await policy(
      "reader",
      "select",
      `extension = 'presence' and ${sub} = '${rights.presenceReader}'`,
    );
  }
  return topic;
}

async function member(
  project: Project,
  topic: string,
  { sub = crypto.randomUUID() as string, presence = true, key = "me" } = {},
) {
  const socket = await RawSocket.open(project);
  const config = { private: true, presence: { key, enabled: presence } };
  const answer = await socket.join(topic, { config, access_token: await project.token(sub) });
  assert.equal(answer.payload.status, "ok");
  let ref = 10;
  const track = async (payload: unknown) => {
    const message = { type: "presence", event: "TRACK", payload };
    const sent = String(ref++);
    socket.send({
      topic: `realtime:${topic}`,
      event: "presence",
      payload: message,
      ref: sent,
    });
    return (await socket.reply(sent)).payload.status;
  };
  const say = (event: string) =>
    socket.send({
      topic: `realtime:${topic}`,
      event: "broadcast",
      payload: { type: "broadcast", event, payload: {} },
      ref: String(ref++),
    });
  return { socket, track, say };
}

Deno.test("who has the right to presence alone joins, tracks, and never sees a broadcast", async () => {
  await using project = await Project.open();
  const topic = await topicWith(project, { read: ["presence"], write: ["presence"] });
  const service = (await project.client({ key: project.target.secretKey }))
    .channel(topic, { config: { private: true } });
  const heard = await heardOn(service);
  const { socket, track, say } = await member(project, topic);
  using _ = socket;
  await socket.event("presence_state");
  assert.equal(await track({ name: "n" }), "ok");
  const { joins } = (await socket.event("presence_diff")).payload as {
    joins: Record<string, { metas: { name: string }[] }>;
  };
  assert.equal(joins.me?.metas[0]?.name, "n");

  say("dropped");
  await service.send({ type: "broadcast", event: "unheard", payload: {} });
  await project.sql`select realtime.send('{}', 'from_database', ${topic})`;
  assert.equal((await heard.first()).event, "from_database");
  await silence();
  assert.equal(heard.all.length, 1, "what it sends is dropped");
  assert.equal(socket.count("broadcast"), 0, "it hears nothing");
});

Deno.test("presence is withheld from who may not read it, tracked late or not", async () => {
  await using project = await Project.open();
  const reader = crypto.randomUUID();
  for (const presence of [true, false]) {
    const topic = await topicWith(project, {
      read: ["broadcast"],
      write: ["broadcast", "presence"],
      presenceReader: reader,
    });
    const other = await member(project, topic, { key: "other", presence });
    const main = await member(project, topic, { key: "main", sub: reader, presence });
    using _ = other.socket, __ = main.socket;
    assert.equal(await other.track({ name: "other" }), "ok");
    assert.equal(await main.track({ name: "not for others" }), "ok");
    await main.socket.frames.first(({ event, payload }) =>
      event === "presence_diff" && JSON.stringify(payload).includes("not for others")
    );
    await silence();
    assert.equal(other.socket.count("presence_diff"), 0);
    assert.equal(other.socket.count("presence_state"), 0);
  }
});

Deno.test("presence is told when asked for, or once one tracks", async () => {
  await using project = await Project.open();
  const topic = await topicWith(project, {
    read: ["broadcast", "presence"],
    write: ["broadcast", "presence"],
  });
  const asked = await member(project, topic, { key: "asked" });
  const silent = await member(project, topic, { key: "silent", presence: false });
  using _ = asked.socket, __ = silent.socket;
  await asked.socket.event("presence_state");
  await silence();
  assert.equal(silent.socket.count("presence_state"), 0);
  assert.equal(await silent.track({ name: "here after all" }), "ok");
  await silent.socket.event("presence_diff");
  await asked.socket.event("presence_diff");
  assert.equal(await silent.track("no map"), "error");
});

Deno.test("more than five calls in half a minute end the channel", async () => {
  await using project = await Project.open();
  using socket = await RawSocket.open(project);
  const topic = `contract-${crypto.randomUUID()}`;
  await socket.join(topic, { config: { presence: { enabled: true } } });
  for (let call = 1; call <= 6; call++) {
    const payload = { type: "presence", event: "track", payload: { call } };
    socket.send({ topic: `realtime:${topic}`, event: "presence", payload, ref: `p${call}` });
  }
  assert.equal(
    (await socket.event("system")).payload.message,
    "Client presence rate limit exceeded",
  );
  await socket.event("phx_close");
});

Deno.test("a new token that loses a right ends the channel; one that gains it opens the ears", async () => {
  await using project = await Project.open();
  const reader = crypto.randomUUID();
  const topic = await topicWith(project, { read: ["broadcast"], presenceReader: reader });
  const losing = await member(project, topic, { sub: reader });
  using _ = losing.socket;
  losing.socket.send({
    topic: `realtime:${topic}`,
    event: "access_token",
    payload: { access_token: await project.token(crypto.randomUUID()) },
  });
  assert.equal(
    (await losing.socket.event("system")).payload.message,
    `You no longer have permission to read from this Channel topic: ${topic}`,
  );

  const gaining = await topicWith(project, { presenceReader: reader });
  await project.during(
    `create policy "${gaining}_more" on realtime.messages for select to authenticated using (
      (select realtime.topic()) = '${gaining}' and extension = 'broadcast'
        and (current_setting('request.jwt.claims', true)::jsonb ->> 'more') = 'yes')`,
    `drop policy "${gaining}_more" on realtime.messages`,
  );
  const client = await project.client({ token: await project.token(reader) });
  const channel = client.channel(gaining, {
    config: { private: true, presence: { key: "k", enabled: true } },
  });
  const inbox = await heardOn(channel);
  await project.sql`select realtime.send('{}', 'too_early', ${gaining})`;
  await silence();
  await project.useToken(client, await project.token(reader, { claims: { more: "yes" } }));
  await silence();
  await project.sql`select realtime.send('{}', 'heard', ${gaining})`;
  assert.equal((await inbox.first()).event, "heard");
});

Deno.test("bytes are replayed as bytes, and not to version 1.0.0", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const topic = `${await project.ownTopics()}:${user}`;
  const since = Date.now() - 60_000;
  await project.sql`select realtime.send_binary(decode('00ff', 'hex'), 'bytes', ${topic})`;
  await project.sql`select realtime.send('{"n": 1}', 'json', ${topic})`;
  await silence();
  const config = { private: true, broadcast: { replay: { since, limit: 25 } } };
  const listen = async (vsn: "1.0.0" | "2.0.0") => {
    const client = await project.client({ token: await project.token(user), vsn });
    const channel = client.channel(topic, { config });
    const inbox = await heardOn(channel);
    return inbox;
  };
  const [bytes, json] = await (await listen("2.0.0")).count(2);
  assert.deepEqual([...new Uint8Array(bytes?.payload as ArrayBuffer)], [0, 255]);
  assert.deepEqual([bytes?.event, json?.event], ["bytes", "json"]);
  const old = await listen("1.0.0");
  await old.first();
  assert.deepEqual(old.all.map(({ event }) => event), ["json"]);
});

Deno.test("replay is refused on public channels and with senseless parameters", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const own = `${await project.ownTopics()}:${user}`;
  const join = async (topic: string, config: Record<string, unknown>) => {
    using socket = await RawSocket.open(project);
    const answer = await socket.join(topic, { config, access_token: await project.token(user) });
    return (answer.payload.response as { reason?: string }).reason;
  };
  const replay = { since: Date.now(), limit: 1 };
  assert.equal(
    await join("contract-public", { broadcast: { replay } }),
    "UnableToReplayMessages: Replay is not allowed for public channels",
  );
  assert.equal(
    await join(own, { private: true, broadcast: { replay: { since: "yesterday" } } }),
    "UnableToReplayMessages: Replay params are not valid",
  );
});

Deno.test("a client that switches channels keeps its socket; one without channels closes it", async () => {
  await using project = await Project.open();
  const client = await project.client();
  const topic = `contract-${crypto.randomUUID()}`;
  const first = await subscribed(client.channel(`${topic}-a`));
  await client.removeChannel(first);
  assert.equal(client.realtime.isConnected(), true);
  const second = client.channel(`${topic}-b`);
  await subscribed(second);
  assert.equal(client.realtime.isConnected(), true);
  await client.removeAllChannels();
  assert.equal(client.realtime.isConnected(), false);
});
