import assert from "node:assert/strict";
import type { RealtimeChannel } from "@supabase/supabase-js";
import { DeafReader } from "./deaf_reader.ts";
import { broadcasts, heardOn, type Inbox, type Received, silence, subscribed } from "./inbox.ts";
import { Project } from "./project.ts";

const CLIENTS = 200;
const MESSAGES = 50;
const DEAF_CLIENTS = 20;
/** Together more than what the server and the sockets between hold back for a reader. */
const LOUD = { messages: 32, bytes: 600_000 };
/** Joins at a time, so that they do not outwait their own time limit on a busy machine. */
const ABREAST = 25;

interface Listener {
  user: string;
  token: string;
  channel: RealtimeChannel;
  inbox: Inbox<Received>;
}

async function listen(project: Project, prefix: string): Promise<Listener> {
  const user = crypto.randomUUID();
  const token = await project.token(user);
  const client = await project.client({ token });
  const channel = client.channel(`${prefix}:${user}`, { config: { private: true } });
  const inbox = await heardOn(channel);
  return { user, token, channel, inbox };
}

async function listenTogether(project: Project, prefix: string, count: number) {
  const listeners: Listener[] = [];
  while (listeners.length < count) {
    const abreast = Math.min(ABREAST, count - listeners.length);
    listeners.push(
      ...await Promise.all(Array.from({ length: abreast }, () => listen(project, prefix))),
    );
  }
  return listeners;
}

/** Sends every listener its messages, number by number, and says how long the last took to arrive. */
async function tellEveryone(project: Project, prefix: string, listeners: Listener[]) {
  const users = listeners.map(({ user }) => user);
  const before = listeners.map(({ inbox }) => inbox.all.length);
  for (let n = 1; n <= MESSAGES; n++) {
    await project.sql`
      select realtime.send(
        jsonb_build_object('n', ${n}::int, 'for', u.id), 'n', ${prefix} || ':' || u.id, true
      ) from unnest(${users}::text[]) as u(id)`;
  }
  const sent = performance.now();
  await Promise.all(listeners.map(({ inbox }, i) => inbox.count((before[i] ?? 0) + MESSAGES)));
  return performance.now() - sent;
}

function assertEachGotItsOwn(listeners: Listener[], rounds: number): void {
  const expected = Array.from({ length: rounds * MESSAGES }, (_, i) => i % MESSAGES + 1);
  for (const { user, inbox } of listeners) {
    const told = inbox.all.map(({ payload }) => payload as { n: number; for: string });
    assert.deepEqual(told.map(({ n }) => n), expected, "none lost, none twice, in order");
    assert.ok(told.every((message) => message.for === user), "none from another's topic");
  }
}

Deno.test(`${CLIENTS} private topics get ${MESSAGES} messages each; who does not read hurts nobody`, async () => {
  await using project = await Project.open();
  const { target } = project;
  const prefix = await project.ownTopics({ send: true });
  const listeners = await listenTogether(project, prefix, CLIENTS);

  const stranger = await project.client({ token: await project.token(crypto.randomUUID()) });
  const foreign = stranger.channel(`${prefix}:${listeners[0]?.user}`, {
    config: { private: true },
  });
  const overheard = broadcasts(foreign);
  await assert.rejects(subscribed(foreign), /do not have permissions to read/);

  const alone = await tellEveryone(project, prefix, listeners);
  assertEachGotItsOwn(listeners, 1);

  // The deaf share a topic with one who reads, and get more than anybody keeps for them.
  const shared = await listen(project, prefix);
  const key = target.publishableKey;
  const topic = `${prefix}:${shared.user}`;
  const deaf: DeafReader[] = [];
  try {
    for (let i = 0; i < DEAF_CLIENTS; i++) {
      const { apiUrl } = target;
      deaf.push(await DeafReader.join({ apiUrl, key, token: shared.token, topic }));
    }
    const body = JSON.stringify({ text: "x".repeat(LOUD.bytes) });
    const url = `${target.apiUrl}/realtime/v1/api/broadcast/${topic}/events/loud?private=true`;
    const headers = { apikey: key, authorization: `Bearer ${shared.token}` };
    const shout = async () => {
      for (let i = 0; i < LOUD.messages; i++) {
        const response = await fetch(url, {
          method: "POST",
          headers: { ...headers, "content-type": "application/json" },
          body,
        });
        assert.equal(response.status, 202);
      }
    };
    const [beside] = await Promise.all([tellEveryone(project, prefix, listeners), shout()]);
    await shared.inbox.count(LOUD.messages);
    console.log(
      `    the last message took ${alone.toFixed()} ms, beside the deaf ${beside.toFixed()} ms`,
    );

    const dropped = await Promise.all(deaf.map((reader) => reader.wasDropped(10_000)));
    assert.equal(dropped.filter(Boolean).length, DEAF_CLIENTS, "who does not read is dropped");
  } finally {
    for (const reader of deaf) reader[Symbol.dispose]();
  }
  await silence();
  assertEachGotItsOwn(listeners, 2);
  assert.deepEqual(overheard.all, []);
});
