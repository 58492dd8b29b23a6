import assert from "node:assert/strict";
import { broadcasts, heardOn, Inbox, silence, subscribed } from "./inbox.ts";
import { Project } from "./project.ts";

const privately = { config: { private: true } };

Deno.test("a handshake without a good key is refused in plain HTTP", async () => {
  await using project = await Project.open();
  const ask = async (query: string) => {
    const url = `${project.target.apiUrl}/realtime/v1/websocket?vsn=2.0.0${query}`;
    const response = await fetch(url);
    return [response.status, await response.json()];
  };
  const expired = await project.token("x", { seconds: -60 });
  const [header, claims] = expired.split(".");
  assert.deepEqual(await ask(""), [401, { error: "API key is missing" }]);
  assert.deepEqual(await ask("&apikey=nonsense"), [401, {
    error: "The token provided is not a valid JWT",
  }]);
  assert.deepEqual(await ask(`&apikey=${expired}`), [401, { error: "Token has expired" }]);
  assert.deepEqual(await ask(`&apikey=${header}.${claims}.AAAA`), [401, {
    error: "Failed to validate JWT signature",
  }]);
});

Deno.test("a join with a bad token says what is wrong with it", async () => {
  await using project = await Project.open();
  const join = async (token: string) => {
    const client = await project.client({ token });
    return await subscribed(client.channel(`contract-${crypto.randomUUID()}`));
  };
  await assert.rejects(join(await project.token("x", { seconds: -60 })), {
    message: /^InvalidJWTToken: Token has expired \d+ seconds ago$/,
  });
  await assert.rejects(join("no.jwt.atall"), {
    message: "MalformedJWT: The token provided is not a valid JWT",
  });
  await assert.rejects(join(await project.token("x", { role: "postgres" })), {
    message: /^Unauthorized: /,
  });
});

Deno.test("a channel is closed when its token expires", async () => {
  await using project = await Project.open();
  const client = await project.client({ token: await project.token("x", { seconds: 4 }) });
  const channel = client.channel(`contract-${crypto.randomUUID()}`);
  const system = new Inbox<{ status: string; message: string }>();
  const states = new Inbox<string>();
  channel.on("system", {}, (message) => system.put(message as never));
  await new Promise<void>((resolve) => {
    channel.subscribe((status) => {
      states.put(status);
      if (status === "SUBSCRIBED") resolve();
    });
  });
  const { status, message } = await system.first();
  assert.equal(status, "error");
  assert.match(message, /^Token has expired \d+ seconds ago$/);
  await states.first((state) => state === "CLOSED");
});

Deno.test("a refreshed token keeps the channel open past the end of the first", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const topic = `${await project.ownTopics()}:${user}`;
  const client = await project.client({ token: await project.token(user, { seconds: 4 }) });
  const channel = client.channel(topic, privately);
  const inbox = await heardOn(channel);
  await project.useToken(client, await project.token(user));
  await new Promise((resolve) => setTimeout(resolve, 4500));
  await project.sql`select realtime.send('{}', 'still_here', ${topic})`;
  await inbox.first();
});

Deno.test("a token that may not read the topic ends the channel", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const topic = `${await project.ownTopics()}:${user}`;
  const client = await project.client({ token: await project.token(user) });
  const channel = client.channel(topic, privately);
  const inbox = broadcasts(channel);
  const system = new Inbox<{ message: string }>();
  channel.on("system", {}, (message) => system.put(message as never));
  await subscribed(channel);
  await project.sql`select realtime.send('{}', 'first', ${topic})`;
  await inbox.first();

  await project.useToken(client, await project.token(crypto.randomUUID()));

  const { message } = await system.first();
  assert.equal(message, `You do not have permissions to read from this Channel topic: ${topic}`);
  await project.sql`select realtime.send('{}', 'second', ${topic})`;
  await silence();
  assert.equal(inbox.all.length, 1);
});

Deno.test("unsubscribe() is answered and ends delivery; joining again starts it", async () => {
  await using project = await Project.open();
  const topic = `contract-${crypto.randomUUID()}`;
  const client = await project.client();
  const channel = client.channel(topic);
  const inbox = await heardOn(channel);
  assert.equal(await channel.unsubscribe(), "ok");
  await project.sql`select realtime.send('{}', 'missed', ${topic}, false)`;
  await silence();
  const again = client.channel(topic);
  const second = await heardOn(again);
  await project.sql`select realtime.send('{}', 'seen', ${topic}, false)`;
  assert.equal((await second.first()).event, "seen");
  assert.deepEqual(inbox.all, []);
});

Deno.test("a socket has at most 100 channels", async () => {
  await using project = await Project.open();
  const client = await project.client();
  const name = crypto.randomUUID();
  for (let i = 0; i < 100; i++) await subscribed(client.channel(`contract-${name}-${i}`));
  await assert.rejects(subscribed(client.channel(`contract-${name}-too-many`)), {
    message: "ChannelRateLimitReached: Too many channels",
  });
});

Deno.test("replay gives a private channel what it missed, oldest first", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const topic = `${await project.ownTopics()}:${user}`;
  const since = Date.now() - 60_000;
  for (const n of [1, 2, 3]) {
    await project.sql`select realtime.send(jsonb_build_object('n', ${n}::int), 'e', ${topic})`;
  }
  // What is on its way while a client joins comes too, but as a message like any other.
  await silence();
  const client = await project.client({ token: await project.token(user) });
  const channel = client
    .channel(topic, { config: { private: true, broadcast: { replay: { since, limit: 2 } } } });
  const inbox = await heardOn(channel);
  await project.sql`select realtime.send('{"n": 4}', 'e', ${topic})`;

  const received = (await inbox.count(3)).map(({ payload, meta }) => [
    (payload as { n: number }).n,
    meta?.replayed ?? false,
  ]);
  assert.deepEqual(received, [[2, true], [3, true], [4, false]]);
});
