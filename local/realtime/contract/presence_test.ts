import assert from "node:assert/strict";
import type { RealtimeChannel } from "@supabase/supabase-js";
import { Inbox, silence, subscribed } from "./inbox.ts";
import { Project } from "./project.ts";

function watch(channel: RealtimeChannel) {
  const [joins, leaves] = [new Inbox<string>(), new Inbox<string>()];
  const states = new Inbox<string[]>();
  channel
    .on("presence", { event: "join" }, ({ key }) => joins.put(key))
    .on("presence", { event: "leave" }, ({ key }) => leaves.put(key))
    .on(
      "presence",
      { event: "sync" },
      () => states.put(Object.keys(channel.presenceState()).sort()),
    );
  return { joins, leaves, states };
}

const keyed = (key: string) => ({ config: { presence: { key } } });

Deno.test("presence tells who is there, who comes and who goes", async () => {
  await using project = await Project.open();
  const topic = `contract-${crypto.randomUUID()}`;
  const ann = (await project.client()).channel(topic, keyed("ann"));
  const seenByAnn = watch(ann);
  await subscribed(ann);
  assert.equal(await ann.track({ mood: "early" }), "ok");
  await seenByAnn.states.first((keys) => keys.includes("ann"));

  const bob = (await project.client()).channel(topic, keyed("bob"));
  const seenByBob = watch(bob);
  await subscribed(bob);
  await seenByBob.states.first((keys) => keys.includes("ann"));
  await bob.track({ mood: "late" });
  await seenByAnn.joins.first((key) => key === "bob");
  const state = ann.presenceState<{ mood: string }>();
  assert.equal(state.bob?.[0]?.mood, "late");
  assert.equal(state.ann?.[0]?.mood, "early");

  await bob.track({ mood: "better late" });
  await seenByAnn.states.until(() =>
    ann.presenceState<{ mood: string }>().bob?.[0]?.mood === "better late"
  );
  await bob.untrack();
  await seenByAnn.leaves.first((key) => key === "bob");
  assert.deepEqual(Object.keys(ann.presenceState()), ["ann"]);
});

Deno.test("who closes the connection leaves", async () => {
  await using project = await Project.open();
  const topic = `contract-${crypto.randomUUID()}`;
  const ann = (await project.client()).channel(topic, keyed("ann"));
  const { joins, leaves } = watch(ann);
  await subscribed(ann);
  const client = await project.client();
  const bob = client.channel(topic, keyed("bob"));
  await subscribed(bob);
  await bob.track({});
  await joins.first((key) => key === "bob");
  client.realtime.disconnect();
  await leaves.first((key) => key === "bob");
});

Deno.test("on a private topic, tracking needs the right to write", async () => {
  await using project = await Project.open();
  const user = crypto.randomUUID();
  const token = await project.token(user);
  const config = { private: true, presence: { key: user } };
  const readable = (await project.client({ token }))
    .channel(`${await project.ownTopics()}:${user}`, { config });
  const writable = (await project.client({ token }))
    .channel(`${await project.ownTopics({ send: true })}:${user}`, { config });
  const [refused, allowed] = [watch(readable), watch(writable)];
  await Promise.all([subscribed(readable), subscribed(writable)]);
  assert.equal(await writable.track({}), "ok");
  await allowed.joins.first();
  assert.equal(await readable.track({}), "error");
  await silence();
  assert.deepEqual(refused.joins.all, []);
});
