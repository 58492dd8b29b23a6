import assert from "node:assert/strict";
import type { RealtimeChannel } from "@supabase/supabase-js";
import { readStack } from "../../../local/stack/client.ts";
import { inDatabase, notify } from "./personal_data.ts";
import { Person } from "./person.ts";

type Told = { id: string; user_id: string; title: string; kind: string };

/** What reached somebody by either way of Realtime. */
interface Heard {
  readonly broadcasts: Told[];
  readonly rows: Told[];
}

const stack = await readStack();

/** Joins a private topic and says how that ended: SUBSCRIBED or CHANNEL_ERROR. */
function join(channel: RealtimeChannel): Promise<string> {
  return new Promise((resolve) => channel.subscribe((status) => resolve(status)));
}

/** Tries to listen to the notifications of `owner`, by their topic and by the table. */
async function listen(person: Person, owner: Person): Promise<{ heard: Heard; joined: string }> {
  const heard: Heard = { broadcasts: [], rows: [] };
  const topic = person.client.channel(`notifications:${owner.id}`, { config: { private: true } })
    .on(
      "broadcast",
      { event: "notification" },
      ({ payload }) => heard.broadcasts.push(payload as Told),
    );
  const joined = await join(topic);
  const ready = Promise.withResolvers<void>();
  const rows = person.client.channel(`rows-${crypto.randomUUID()}`)
    .on(
      "postgres_changes",
      { event: "*", schema: "public", table: "notification", filter: `user_id=eq.${owner.id}` },
      (change) => heard.rows.push(change.new as Told),
    )
    // Whether it may listen or not, the server has decided when it says this.
    .on("system", {}, ({ extension }) => extension === "postgres_changes" && ready.resolve());
  rows.subscribe();
  await ready.promise;
  return { heard, joined };
}

async function until(condition: () => boolean): Promise<void> {
  for (let look = 0; look < 1_200 && !condition(); look++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

Deno.test("a notification reaches its recipient live, and neither a stranger nor anybody unknown", async () => {
  const [owner, stranger] = [await Person.signUp(stack), await Person.signUp(stack)];
  const nobody = Person.anonymous(stack);
  const own = await listen(owner, owner);
  const [theirs, none] = [await listen(stranger, owner), await listen(nobody, owner)];
  const strangersOwn = await listen(stranger, stranger);
  assert.deepEqual(
    [own.joined, theirs.joined, none.joined, strangersOwn.joined],
    ["SUBSCRIBED", "CHANNEL_ERROR", "CHANNEL_ERROR", "SUBSCRIBED"],
  );

  const id = await inDatabase(stack, (sql) => notify(sql, owner, "For you alone"));
  await until(() => own.heard.broadcasts.length > 0 && own.heard.rows.length > 0);
  for (const told of [own.heard.broadcasts, own.heard.rows]) {
    assert.deepEqual(told.map(({ id, title }) => ({ id, title })), [{
      id,
      title: "For you alone",
    }]);
  }
  // Messages keep their order: once the stranger hears of a later one, nothing earlier is on its way.
  await inDatabase(stack, (sql) => notify(sql, stranger, "For the stranger"));
  await until(() => strangersOwn.heard.broadcasts.length > 0 && strangersOwn.heard.rows.length > 0);
  assert.deepEqual(strangersOwn.heard.rows.map(({ title }) => title), ["For the stranger"]);
  for (const { heard } of [theirs, none]) assert.deepEqual(heard, { broadcasts: [], rows: [] });
  await Promise.all([owner.leave(), stranger.leave(), nobody.leave()]);
});

Deno.test("nobody but the database speaks on a notification topic, not even its owner", async () => {
  const owner = await Person.signUp(stack);
  const { heard, joined } = await listen(owner, owner);
  assert.equal(joined, "SUBSCRIBED");
  const other = await Person.signUp(stack);
  const message = { type: "broadcast", event: "notification" } as const;
  await owner.client.getChannels()[0]!.send({ ...message, payload: { title: "From me" } });
  await other.client.channel(`notifications:${owner.id}`, { config: { private: true } })
    .httpSend("notification", { title: "From another" }).catch(() => {});
  await inDatabase(stack, (sql) => notify(sql, owner, "The real one"));
  await until(() => heard.broadcasts.length > 0);
  assert.deepEqual(heard.broadcasts.map(({ title }) => title), ["The real one"]);
  await Promise.all([owner.leave(), other.leave()]);
});

Deno.test("a recipient marks a notification as read, once, at the time of the server", async () => {
  const owner = await Person.signUp(stack);
  const id = await inDatabase(stack, (sql) => notify(sql, owner, "Read me"));
  const mark = async () => {
    const { data } = await owner.client.from("notification").update({ read_at: "2001-01-01" })
      .eq("id", id).select("read_at").single().throwOnError();
    return data.read_at!;
  };
  const first = await mark();
  assert.ok(Date.now() - Date.parse(first) < 60_000, first);
  assert.equal(await mark(), first);
});
