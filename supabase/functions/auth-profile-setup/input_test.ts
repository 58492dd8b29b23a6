/** What auth-profile-setup takes in, what it cleans, what it refuses. */
import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));
const display_name = "Ana";

stackTest("auth-profile-setup refuses what is no profile, and changes nothing", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  const bodies = {
    "nothing": {},
    "no name": { bio: "b" },
    "an empty name": { display_name: "" },
    "a name of spaces": { display_name: " \t\n\u00a0\u2003" },
    "a name that nobody can see": { display_name: "\u200b\u200d\ufeff\u202e" },
    "a number for a name": { display_name: 7 },
    "no string at all": { display_name: null },
    "no bio": { display_name, bio: null },
    "too long a name": { display_name: "n".repeat(101) },
    "too long a bio": { display_name, bio: "b".repeat(2001) },
    "too long a category": { display_name, category: "c".repeat(101) },
    "a list of avatars": { display_name, avatar_url: ["https://images.example.com/a.png"] },
    "a slug": { display_name, profile_slug: "famous" },
    "a total": { display_name, total_followers: 1_000_000 },
    "a list": [],
  };
  const before = await person.client.from("users").select("*").single().throwOnError();
  for (const [what, body] of Object.entries(bodies)) {
    const answer = await call(fetch, person, "auth-profile-setup", body);
    assert.equal(answer.status, 400, `${what}: ${JSON.stringify(answer.body)}`);
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
  const after = await person.client.from("users").select("*").single().throwOnError();
  assert.deepEqual(after.data, before.data);
});

stackTest("auth-profile-setup counts letters as people do: 100 make a name", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  for (const letter of ["n", "😀", "ж"]) {
    const body = { display_name: letter.repeat(100) };
    assert.equal((await call(fetch, person, "auth-profile-setup", body)).status, 200, letter);
  }
});

stackTest("auth-profile-setup keeps no character that only deceives, hides or breaks", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  const texts = {
    display_name: "  Ana\0\u202e\u200b \u2066of\tthe\r\nMountains\ud800  ",
    bio: "First\r\nsecond\u0007\u202e\n\n\n\n\nlast\u0000",
    category: " \u200btravel\n",
  };
  const { status, body } = await call(fetch, person, "auth-profile-setup", texts);
  assert.equal(status, 200, JSON.stringify(body));
  const { data } = await person.client.from("users").select("display_name, bio, category").single()
    .throwOnError();
  const hidden = /(?!\n)\p{C}/u;
  for (const [column, text] of Object.entries(data)) {
    assert.ok(text && !hidden.test(text), `${column}: ${JSON.stringify(text)}`);
    assert.equal(text, text.trim());
  }
  assert.match(data.display_name, /^Ana *of the Mountains\ufffd?$/);
  assert.match(data.bio!, /^First\nsecond\n+last$/);
  assert.equal(data.category, "travel");
});

stackTest(
  "auth-profile-setup keeps markup as the text it is: whoever shows it escapes it",
  async () => {
    const { fetch, stack } = await open();
    const person = await Person.signUp(stack);
    const bio =
      `<script>alert("1")</script> & <img src=x onerror=alert(1)> '; drop table users; --`;
    const { headers } = await call(fetch, person, "auth-profile-setup", { display_name, bio });
    assert.equal(headers.get("content-type"), "application/json");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    const { data } = await person.client.from("users").select("bio").single().throwOnError();
    assert.equal(data.bio, bio);
  },
);
