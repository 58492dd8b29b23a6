import assert from "node:assert/strict";
import { broadcasts, heardOn, silence, subscribed } from "./inbox.ts";
import { Project } from "./project.ts";

for (const vsn of ["2.0.0", "1.0.0"] as const) {
  Deno.test(`a client's broadcast reaches the others, not itself (${vsn})`, async () => {
    await using project = await Project.open();
    const topic = `contract-${crypto.randomUUID()}`;
    const sender = (await project.client({ vsn })).channel(topic);
    const receiver = (await project.client()).channel(topic);
    const [own, others] = [broadcasts(sender), broadcasts(receiver)];
    await Promise.all([subscribed(sender), subscribed(receiver)]);

    await sender.send({ type: "broadcast", event: "greet", payload: { text: "żółw" } });

    assert.deepEqual(await others.first(), {
      type: "broadcast",
      event: "greet",
      payload: { text: "żółw" },
    });
    await silence();
    assert.deepEqual(own.all, []);
  });
}

Deno.test("with self, a broadcast comes back to its sender", async () => {
  await using project = await Project.open();
  const channel = (await project.client())
    .channel(`contract-${crypto.randomUUID()}`, { config: { broadcast: { self: true } } });
  const inbox = await heardOn(channel);
  await channel.send({ type: "broadcast", event: "echo", payload: {} });
  assert.equal((await inbox.first()).event, "echo");
});

Deno.test("with ack, a broadcast is answered", async () => {
  await using project = await Project.open();
  const channel = (await project.client())
    .channel(`contract-${crypto.randomUUID()}`, { config: { broadcast: { ack: true } } });
  await subscribed(channel);
  assert.equal(await channel.send({ type: "broadcast", event: "e", payload: {} }), "ok");
});

Deno.test("bytes go from client to client as they are, but not to version 1.0.0", async () => {
  await using project = await Project.open();
  const topic = `contract-${crypto.randomUUID()}`;
  const sender = (await project.client()).channel(topic);
  const reader = (await project.client()).channel(topic);
  const oldReader = (await project.client({ vsn: "1.0.0" })).channel(topic);
  const [inbox, oldInbox] = [broadcasts(reader), broadcasts(oldReader)];
  await Promise.all([sender, reader, oldReader].map(subscribed));

  const payload = Uint8Array.of(1, 0, 255).buffer;
  await sender.send({ type: "broadcast", event: "bytes", payload });
  await sender.send({ type: "broadcast", event: "after", payload: {} });

  const received = await inbox.first(({ event }) => event === "bytes");
  assert.deepEqual(new Uint8Array(received.payload as ArrayBuffer), new Uint8Array(payload));
  await oldInbox.first(({ event }) => event === "after");
  assert.equal(oldInbox.all.length, 1);
});

Deno.test("who may read but not write a private topic is not heard", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const token = await project.token(user);
  const config = { private: true, broadcast: { self: true, ack: true } };
  const readable = (await project.client({ token }))
    .channel(`${await project.ownTopics()}:${user}`, { config });
  const writable = (await project.client({ token }))
    .channel(`${await project.ownTopics({ send: true })}:${user}`, { config });
  const [dropped, heard] = [broadcasts(readable), broadcasts(writable)];
  await Promise.all([subscribed(readable), subscribed(writable)]);

  const message = { type: "broadcast", event: "e", payload: {} } as const;
  assert.equal(await writable.send(message), "ok");
  await heard.first();
  assert.equal(await readable.send(message, { timeout: 300 }), "timed out");
  assert.deepEqual(dropped.all, []);
});

Deno.test("POST /api/broadcast sends many messages and drops what may not be sent", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const token = await project.token(user);
  const mine = `${await project.ownTopics({ send: true })}:${user}`;
  const open = `contract-${crypto.randomUUID()}`;
  const client = await project.client({ token });
  const [privateChannel, publicChannel] = [
    client.channel(mine, { config: { private: true } }),
    client.channel(open),
  ];
  const [privateInbox, publicInbox] = [broadcasts(privateChannel), broadcasts(publicChannel)];
  await Promise.all([subscribed(privateChannel), subscribed(publicChannel)]);

  const post = (authorization: string) =>
    fetch(`${project.target.apiUrl}/realtime/v1/api/broadcast`, {
      method: "POST",
      headers: {
        apikey: project.target.publishableKey,
        authorization: `Bearer ${authorization}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({
        messages: [
          {
            topic: mine,
            event: "private",
            payload: { by: authorization === token },
            private: true,
          },
          { topic: open, event: "public", payload: { n: 1 } },
        ],
      }),
    });

  const stranger = await post(await project.token(crypto.randomUUID()));
  assert.equal(stranger.status, 202);
  assert.equal(await stranger.text(), "");
  await publicInbox.count(1);
  assert.equal((await post(token)).status, 202);
  await publicInbox.count(2);
  await privateInbox.first();
  assert.deepEqual(privateInbox.all.map(({ payload }) => payload), [{ by: true }]);
});

Deno.test("POST /api/broadcast refuses bad tokens with 401 and bad bodies with 422", async () => {
  await using project = await Project.open();
  const post = async (body: unknown, headers: Record<string, string>) => {
    const response = await fetch(`${project.target.apiUrl}/realtime/v1/api/broadcast`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    await response.body?.cancel();
    return response.status;
  };
  const key = { apikey: project.target.publishableKey };
  const messages = [{ topic: "t", event: "e", payload: {} }];
  assert.equal(await post({ messages }, key), 202);
  assert.equal(await post({ messages }, { ...key, authorization: "Bearer a.b.c" }), 401);
  assert.equal(await post({ messages: [{ topic: "t", payload: {} }] }, key), 422);
  assert.equal(await post({}, key), 422);
});

Deno.test("httpSend() needs no subscription, and the right to write", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const topic = `${await project.ownTopics({ send: true })}:${user}`;
  const config = { private: true };
  const reader = (await project.client({ token: await project.token(user) }))
    .channel(topic, { config });
  const inbox = await heardOn(reader);

  const sender = (await project.client({ token: await project.token(user) }))
    .channel(topic, { config });
  assert.deepEqual(await sender.httpSend("rest", { n: 1 }), { success: true });
  const { meta, ...message } = await inbox.first();
  assert.ok(meta?.id);
  assert.deepEqual(message, { type: "broadcast", event: "rest", payload: { n: 1 } });

  const stranger = (await project.client({ token: await project.token(crypto.randomUUID()) }))
    .channel(topic, { config });
  await assert.rejects(stranger.httpSend("rest", { n: 2 }), { message: "Unauthorized" });
});
