import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));

/** A name that nobody has, so that its address is free. */
const newWord = () => `n${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;

stackTest("auth-profile-setup gives namesakes who come at once an address each", async () => {
  const { fetch, stack } = await open();
  const people = await Promise.all(Array.from({ length: 10 }, () => Person.signUp(stack)));
  const display_name = newWord();
  const answers = await Promise.all(
    people.map((person) => call(fetch, person, "auth-profile-setup", { display_name })),
  );
  assert.deepEqual(answers.map(({ status }) => status), people.map(() => 200));
  const slugs = answers.map(({ body }) => String(body.profile_slug));
  assert.equal(new Set(slugs).size, people.length);
  assert.ok(slugs.includes(display_name), "one of them has the plain name");
  assert.ok(slugs.every((slug) => slug.startsWith(display_name)));
});

stackTest(
  "auth-profile-setup called many times at once answers one address and is noted once",
  async () => {
    const { fetch, stack } = await open();
    const person = await Person.signUp(stack);
    const answers = await Promise.all(
      Array.from(
        { length: 10 },
        (_, n) => call(fetch, person, "auth-profile-setup", { display_name: `${newWord()} ${n}` }),
      ),
    );
    assert.equal(
      new Set(answers.map(({ status, body }) => `${status} ${body.profile_slug}`)).size,
      1,
    );
    const { count } = await person.client.from("audit_log").select("*", {
      count: "exact",
      head: true,
    })
      .eq("action", "profile.completed").throwOnError();
    assert.equal(count, 1);
  },
);
