/** What stands about a person is seen by nobody else, on any way over HTTP. */
import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { aUserWithHistory, everything, inDatabase, notify, ownTables } from "./personal_data.ts";
import { Person } from "./person.ts";

const stack = await readStack();

Deno.test("nobody else sees, counts, embeds or changes a person's rows, by any table", async () => {
  const { owner } = await aUserWithHistory(stack);
  const stranger = await Person.signUp(stack);
  const nobody = Person.anonymous(stack);
  for (const [table, key] of ownTables) {
    const mine = await owner.client.from(table).select("*").filter(key, "eq", owner.id)
      .throwOnError();
    assert.ok(mine.data.length > 0, `there is something to see in ${table}`);
    const theirs = await stranger.client.from(table).select("*").filter(key, "eq", owner.id)
      .throwOnError();
    assert.deepEqual(theirs.data, [], table);
    const all = await stranger.client.from(table).select("*").throwOnError();
    assert.ok(!JSON.stringify(all.data).includes(owner.id), table);
    const counted = await stranger.client.from(table).select("*", { count: "exact", head: true })
      .filter(key, "eq", owner.id);
    assert.equal(counted.count, 0, table);
    for (const columns of ["*", key]) {
      const closed = await nobody.client.from(table).select(columns);
      assert.equal(closed.error?.code, "42501", `${table} for nobody`);
    }
  }
  const before = await everything(owner);
  const rename = await stranger.client.from("users").update({ display_name: "Mine now" })
    .eq("id", owner.id).select().throwOnError();
  const settle = await stranger.client.from("user_setting").update({ locale: "en" })
    .eq("user_id", owner.id).select().throwOnError();
  const read = await stranger.client.from("notification").update({
    read_at: new Date().toISOString(),
  })
    .eq("user_id", owner.id).select().throwOnError();
  assert.deepEqual([rename.data, settle.data, read.data], [[], [], []]);
  const anonymous = await nobody.client.from("users").update({ display_name: "x" }).eq(
    "id",
    owner.id,
  );
  assert.equal(anonymous.error?.code, "42501");
  assert.deepEqual(await everything(owner), before);
});

Deno.test("a table that everybody reads does not lead to the rows of others", async () => {
  const { owner } = await aUserWithHistory(stack);
  const stranger = await Person.signUp(stack);
  const embedded = (person: Person) =>
    person.client.from("subscription_tier").select("name, subscription(user_id)").eq(
      "name",
      "free",
    );
  const mine = await embedded(owner).throwOnError();
  assert.deepEqual(mine.data, [{ name: "free", subscription: [{ user_id: owner.id }] }]);
  const theirs = await embedded(stranger).throwOnError();
  assert.deepEqual(theirs.data, [{ name: "free", subscription: [{ user_id: stranger.id }] }]);
  const closed = await embedded(Person.anonymous(stack));
  assert.equal(closed.error?.code, "42501");
  const prices = await Person.anonymous(stack).client.from("subscription_tier").select("name");
  assert.equal(prices.data?.length, 3, "what the plans cost is for everybody");
});

Deno.test("asking about somebody else by id tells about oneself, or nothing", async () => {
  const { owner } = await aUserWithHistory(stack);
  const stranger = await Person.signUp(stack);
  const nobody = Person.anonymous(stack);
  const left = (person: Person) =>
    person.client.rpc("check_quota", { p_user_id: owner.id, p_quota_type: "syncs" });
  assert.deepEqual([(await left(owner)).data, (await left(stranger)).data], [false, true]);
  assert.equal((await left(nobody)).error?.code, "42501");
  const isUser = (person: Person) =>
    person.client.rpc("has_role", { p_user_id: owner.id, p_role: "user" });
  assert.deepEqual([(await isUser(owner)).data, (await isUser(stranger)).data], [true, false]);
  assert.equal((await isUser(nobody)).error?.code, "42501");
});

Deno.test("who listens to every table of the schema hears of their own rows alone", async () => {
  const stranger = await Person.signUp(stack);
  const heard: Record<string, unknown>[] = [];
  const ready = Promise.withResolvers<void>();
  stranger.client.channel("all-of-it")
    .on("postgres_changes", { event: "*", schema: "public" }, (change) => heard.push(change.new))
    .on("system", {}, ({ extension }) => extension === "postgres_changes" && ready.resolve())
    .subscribe();
  await ready.promise;

  const { owner } = await aUserWithHistory(stack);
  await owner.client.from("users").update({ display_name: "Ana" }).eq("id", owner.id)
    .throwOnError();
  const told = await inDatabase(stack, (sql) => notify(sql, stranger, "The last of all changes"));
  for (let look = 0; look < 400 && heard.length === 0; look++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.deepEqual(heard.map(({ id }) => id), [told]);
  await stranger.leave();
});
