import assert from "node:assert/strict";
import { heardOn, silence, subscribed } from "./inbox.ts";
import { Project } from "./project.ts";

const privately = { config: { private: true } };

Deno.test("realtime.send() reaches the owner of a private topic", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const topic = `${await project.ownTopics()}:${user}`;
  const client = await project.client({ token: await project.token(user) });
  const channel = client.channel(topic, privately);
  const inbox = await heardOn(channel);

  await project.sql`select realtime.send(${
    project.sql.json({ step: 1, text: "naïve 🎬" })
  }, 'job_update', ${topic}, true)`;

  const message = await inbox.first();
  const id = message.meta?.id;
  assert.deepEqual(message, {
    type: "broadcast",
    event: "job_update",
    payload: { step: 1, text: "naïve 🎬", id },
    meta: { id },
  });
});

Deno.test("a private topic refuses strangers and anon at the join", async () => {
  await using project = await Project.open();
  const owner = crypto.randomUUID();
  const topic = `${await project.ownTopics()}:${owner}`;
  const refusal = {
    message: `Unauthorized: You do not have permissions to read from this Channel topic: ${topic}`,
  };

  const mine = await project.client({ token: await project.token(owner) });
  await subscribed(mine.channel(topic, privately));

  const stranger = await project.client({ token: await project.token(crypto.randomUUID()) });
  await assert.rejects(subscribed(stranger.channel(topic, privately)), refusal);
  const anon = await project.client();
  await assert.rejects(subscribed(anon.channel(topic, privately)), refusal);
});

Deno.test("the service role joins any private topic", async () => {
  await using project = await Project.open();
  const client = await project.client({ key: project.target.secretKey });
  await subscribed(client.channel(`contract-${crypto.randomUUID()}`, privately));
});

Deno.test("private and public topics of the same name are two topics", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const topic = `${await project.ownTopics()}:${user}`;
  const insider = await project.client({ token: await project.token(user) });
  const privateChannel = insider.channel(topic, privately);
  const privateInbox = await heardOn(privateChannel);
  const outsider = await project.client();
  const publicChannel = outsider.channel(topic);
  const publicInbox = await heardOn(publicChannel);

  await project.sql`select realtime.send('{"to":"private"}', 'e', ${topic}, true)`;
  await project.sql`select realtime.send('{"to":"public"}', 'e', ${topic}, false)`;

  await publicInbox.first();
  await privateInbox.first();
  await silence();
  assert.deepEqual(publicInbox.all.map(({ payload }) => (payload as { to: string }).to), [
    "public",
  ]);
  assert.deepEqual(privateInbox.all.map(({ payload }) => (payload as { to: string }).to), [
    "private",
  ]);
});

Deno.test("a message is sent at commit, and never after a rollback", async () => {
  await using project = await Project.open();
  const { sql } = project;
  const topic = `contract-${crypto.randomUUID()}`;
  const channel = (await project.client()).channel(topic);
  const inbox = await heardOn(channel);

  await assert.rejects(sql.begin(async (transaction) => {
    await transaction`select realtime.send('{}', 'rolled_back', ${topic}, false)`;
    throw new Error("undo");
  }));
  await sql.begin(async (transaction) => {
    await transaction`select realtime.send('{}', 'committed', ${topic}, false)`;
    await silence();
    assert.equal(inbox.all.length, 0);
  });

  await inbox.first();
  assert.deepEqual(inbox.all.map(({ event }) => event), ["committed"]);
});

Deno.test("500 messages arrive once each, in order", async () => {
  await using project = await Project.open();
  const topic = `contract-${crypto.randomUUID()}`;
  const channel = (await project.client()).channel(topic);
  const inbox = await heardOn(channel);

  for (let first = 1; first <= 500; first += 50) {
    await project.sql`
      insert into realtime.messages (topic, extension, event, payload, private)
      select ${topic}, 'broadcast', 'n', jsonb_build_object('n', n), false
      from generate_series(${first}::int, ${first + 49}::int) as n`;
  }

  const received = (await inbox.count(500)).map(({ payload }) => (payload as { n: number }).n);
  assert.deepEqual(received, Array.from({ length: 500 }, (_, i) => i + 1));
});

Deno.test("realtime.send_binary() delivers bytes", async () => {
  await using project = await Project.open();
  const topic = `contract-${crypto.randomUUID()}`;
  const channel = (await project.client()).channel(topic);
  const inbox = await heardOn(channel);

  await project.sql`select realtime.send_binary(decode('00ff10', 'hex'), 'bytes', ${topic}, false)`;

  const { payload } = await inbox.first();
  assert.ok(payload instanceof ArrayBuffer);
  assert.deepEqual([...new Uint8Array(payload)], [0, 255, 16]);
});

Deno.test("clients of protocol version 1.0.0 get the same messages", async () => {
  await using project = await Project.open();
  const topic = `contract-${crypto.randomUUID()}`;
  const channel = (await project.client({ vsn: "1.0.0" })).channel(topic);
  const inbox = await heardOn(channel);

  await project.sql`select realtime.send('{"a": 1, "id": "x"}', 'e', ${topic}, false)`;

  const { meta, ...message } = await inbox.first();
  assert.ok(meta?.id);
  assert.deepEqual(message, { type: "broadcast", event: "e", payload: { a: 1, id: "x" } });
});

Deno.test("realtime.broadcast_changes() tells what a trigger saw", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const topic = `${await project.ownTopics()}:${user}`;
  const channel = (await project.client({ token: await project.token(user) }))
    .channel(topic, privately);
  const inbox = await heardOn(channel);

  await project.sql`
    select realtime.broadcast_changes(
      ${topic}, 'UPDATE', 'UPDATE', 'jobs', 'public', new_row, old_row
    ) from (select 1 as n) as old_row, (select 2 as n) as new_row`;

  const { payload } = await inbox.first();
  const { id: _, ...change } = payload as Record<string, unknown>;
  assert.deepEqual(change, {
    schema: "public",
    table: "jobs",
    operation: "UPDATE",
    record: { n: 2 },
    old_record: { n: 1 },
  });
});

Deno.test("a message that may not be sent does not fail the transaction", async () => {
  await using project = await Project.open();
  const topic = `contract-${crypto.randomUUID()}`;
  const done = await project.sql.begin(async (transaction) => {
    await transaction`set local role authenticated`;
    await transaction`select realtime.send('{}', 'e', ${topic}, true)`;
    return await transaction`select 1 as still_alive`;
  });
  assert.deepEqual([...done], [{ still_alive: 1 }]);
  const stored = await project.sql`select from realtime.messages where topic = ${topic}`;
  assert.equal(stored.length, 0);
});
