import assert from "node:assert/strict";
import { Authorization } from "../../functions/_shared/testing/authorization.ts";
import { openFunction } from "../../functions/_shared/testing/stack.ts";
import { Person } from "./person.ts";
import { accountWith } from "./simulator.ts";

Deno.test("fifty callbacks at once, each with an account of its own, leave one where the plan allows one", async () => {
  const { fetch, stack } = await openFunction(
    () => import("../../functions/oauth-youtube-callback/index.ts"),
  );
  const youtube = new Authorization("youtube", fetch);
  const person = await Person.signUp(stack);
  const pages: URL[] = [];
  for (let n = 0; n < 50; n++) pages.push(await youtube.consent(person, accountWith(1)));

  const answers = await Promise.all(pages.map((page) => youtube.finish(person, page)));

  const codes = answers.map(({ status, body }) => `${status} ${body.error?.code ?? ""}`.trim());
  assert.equal(codes.filter((code) => code === "200").length, 1, JSON.stringify(codes));
  assert.equal(codes.filter((code) => code === "403 ACCOUNT_LIMIT_REACHED").length, 49);
  for (const table of ["social_account", "platform_connection"] as const) {
    const { count } = await person.client.from(table).select("*", { count: "exact", head: true })
      .throwOnError();
    assert.equal(count, 1, table);
  }
});
