import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));

/** A name that nobody has, so that its address is free. */
const newWord = () => `n${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;

async function profileOf({ client, id }: Person) {
  const { data } = await client.from("users").select("*").eq("id", id).single().throwOnError();
  return data;
}

stackTest(
  "auth-profile-setup completes a profile and answers the address of its page",
  async () => {
    const { fetch, stack } = await open();
    const person = await Person.signUp(stack);
    const word = newWord();
    const texts = {
      display_name: `Zoë ${word}`,
      bio: "Films from the mountains.\nNew ones on Fridays.",
      category: "travel",
      avatar_url: "https://images.example.com/zoe.png?size=256",
    };
    const { status, body } = await call(fetch, person, "auth-profile-setup", texts);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body, {
      success: true,
      profile_slug: `zoe-${word}`,
      is_public: body.is_public,
    });
    const { display_name, bio, category, avatar_url, profile_slug, is_public, onboarding_state } =
      await profileOf(person);
    assert.deepEqual({ display_name, bio, category, avatar_url }, texts);
    assert.deepEqual([profile_slug, is_public], [body.profile_slug, body.is_public]);
    assert.equal(onboarding_state, "profile_completed");
  },
);

stackTest("auth-profile-setup makes readable addresses of names in any script", async () => {
  const { fetch, stack } = await open();
  const word = newWord();
  const names = {
    [`Дарья Щукина ${word}`]: `darya-shchukina-${word}`,
    [`北京的小明 ${word}`]: `bei-jing-de-xiao-ming-${word}`,
    [`김민준 ${word}`]: `gimminjun-${word}`,
    [`ខ្មែរ ${word}`]: `khmaer-${word}`,
    [`さくら ${word}`]: `sakura-${word}`,
    [`🔥 Emma ${word} 🔥`]: `emma-${word}`,
  };
  for (const [display_name, slug] of Object.entries(names)) {
    const person = await Person.signUp(stack);
    const { body } = await call(fetch, person, "auth-profile-setup", { display_name });
    assert.equal(body.profile_slug, slug, display_name);
  }
});

stackTest("auth-profile-setup, called again, changes the texts and keeps the address", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  const first = await call(fetch, person, "auth-profile-setup", {
    display_name: newWord(),
    bio: "One",
  });
  const again = { display_name: "Quite another", bio: "Two" };
  const second = await call(fetch, person, "auth-profile-setup", again);
  assert.deepEqual(second.body, first.body);
  const { display_name, bio } = await profileOf(person);
  assert.deepEqual({ display_name, bio }, again);
});

stackTest("auth-profile-setup gives no reserved address, and nobody two", async () => {
  const { fetch, stack } = await open();
  for (const display_name of ["Admin", "ＡＰＩ", "админ", "Support", "settings", "StreamVibe"]) {
    const person = await Person.signUp(stack);
    const { status, body } = await call(fetch, person, "auth-profile-setup", { display_name });
    assert.equal(status, 200, display_name);
    assert.match(body.profile_slug, /^[a-z]+-[0-9a-f]{8}$/, display_name);
  }
});

stackTest(
  "auth-profile-setup does without any field but the name, and then leaves it as it is",
  async () => {
    const { fetch, stack } = await open();
    const whole = { bio: "b", category: "c", avatar_url: "https://images.example.com/a.png" };
    const person = await Person.signUp(stack);
    const send = async (body: Record<string, unknown>) => {
      const answer = await call(fetch, person, "auth-profile-setup", {
        display_name: "Ana",
        ...body,
      });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const { bio, category, avatar_url } = await profileOf(person);
      return { bio, category, avatar_url };
    };
    assert.deepEqual(await send({}), { bio: null, category: null, avatar_url: null });
    assert.deepEqual(await send(whole), whole);
    for (const [field, value] of Object.entries(whole)) {
      assert.deepEqual(await send({ [field]: value }), whole);
    }
    assert.deepEqual(await send({}), whole);
  },
);

stackTest("auth-profile-setup is for signed-in users, for themselves, by POST", async () => {
  const { fetch, stack } = await open();
  const display_name = newWord();
  const anonymous = await call(fetch, null, "auth-profile-setup", { display_name });
  assertRefused(anonymous, 401, "UNAUTHENTICATED");
  const [owner, stranger] = [await Person.signUp(stack), await Person.signUp(stack)];
  const before = await profileOf(owner);
  for (const whose of [{ id: owner.id }, { user_id: owner.id }, { p_user_id: owner.id }]) {
    const answer = await call(fetch, stranger, "auth-profile-setup", { display_name, ...whose });
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
  assert.equal((await call(fetch, stranger, "auth-profile-setup", { display_name })).status, 200);
  assert.deepEqual(await profileOf(owner), before);
  assertRefused(await call(fetch, owner, "auth-profile-setup"), 405, "METHOD_NOT_ALLOWED");
});
