/** Where an avatar may be: at a public name, by https. The data API gives the same answer. */
import assert from "node:assert/strict";
import { Person } from "../../tests/e2e/person.ts";
import { assertRefused, call, openFunction, stackTest } from "../_shared/testing/stack.ts";

const open = () => openFunction(() => import("./index.ts"));
const display_name = "Ana";

const goodAvatars = [
  "https://images.example.com/a.png",
  "https://images.example.com/a%20b.png?size=1&x=[2]#top",
  "https://xn--bcher-kva.example/a.png",
  "https://yt3.googleusercontent.com/ytc/abc=s88-c-k-c0x00ffffff-no-rj",
];

const badAvatars = [
  "http://images.example.com/a.png",
  "ftp://images.example.com/a.png",
  "javascript:alert(1)",
  "data:image/png;base64,AAAA",
  "//images.example.com/a.png",
  "/a.png",
  "https://",
  "https://localhost/a.png",
  "https://printer/a.png",
  "https://db.internal/a.png",
  "https://nas.local/a.png",
  "https://kubernetes.default.svc/a.png",
  "https://127.0.0.1/a.png",
  "https://127.1/a.png",
  "https://2130706433/a.png",
  "https://0x7f000001/a.png",
  "https://0177.0.0.1/a.png",
  "https://10.0.0.8/a.png",
  "https://169.254.169.254/latest/meta-data/",
  "https://192.168.1.1/a.png",
  "https://8.8.8.8/a.png",
  "https://[::1]/a.png",
  "https://[::ffff:127.0.0.1]/a.png",
  "https://user:pass@images.example.com/a.png",
  "https://images.example.com:8443/a.png",
  "https://127.0.0.1.nip.io/a.png",
  `https://images.example.com/${"a".repeat(2048)}`,
];

stackTest(
  "auth-profile-setup and the data API take the same avatars, and refuse the same",
  async () => {
    const { fetch, stack } = await open();
    const person = await Person.signUp(stack);
    const update = (avatar_url: string) =>
      person.client.from("users").update({ avatar_url }).eq("id", person.id).select("avatar_url");
    for (const avatar_url of goodAvatars) {
      const answer = await call(fetch, person, "auth-profile-setup", { display_name, avatar_url });
      assert.equal(answer.status, 200, `${avatar_url}: ${JSON.stringify(answer.body)}`);
      assert.deepEqual((await update(avatar_url)).data, [{ avatar_url }]);
    }
    for (const avatar_url of badAvatars) {
      const answer = await call(fetch, person, "auth-profile-setup", { display_name, avatar_url });
      assert.equal(answer.status, 400, `${avatar_url}: ${JSON.stringify(answer.body)}`);
      assertRefused(answer, 400, "VALIDATION_ERROR");
      const { status, error } = await update(avatar_url);
      assert.deepEqual([status, error?.code], [400, "23514"], avatar_url);
    }
  },
);

stackTest("auth-profile-setup stores an avatar's address as a browser reads it", async () => {
  const { fetch, stack } = await open();
  const person = await Person.signUp(stack);
  const spellings = {
    "https://BÜCHER.example:443/a b.png": "https://xn--bcher-kva.example/a%20b.png",
    "https://images。example。com/a.png": "https://images.example.com/a.png",
    "https:\\\\images.example.com\\a.png": "https://images.example.com/a.png",
  };
  for (const [avatar_url, stored] of Object.entries(spellings)) {
    const { status } = await call(fetch, person, "auth-profile-setup", {
      display_name,
      avatar_url,
    });
    assert.equal(status, 200, avatar_url);
    const { data } = await person.client.from("users").select("avatar_url").single().throwOnError();
    assert.equal(data.avatar_url, stored);
  }
  // The same trick, towards a private address.
  for (
    const avatar_url of ["https://１２７.0.0.1/", "https://127。0。0。1/", "https:\\\\localhost/"]
  ) {
    const answer = await call(fetch, person, "auth-profile-setup", { display_name, avatar_url });
    assertRefused(answer, 400, "VALIDATION_ERROR");
  }
});
