import { strict as assert } from "node:assert";
import { TestSimulator } from "../testing.ts";
import { reasonOf } from "./testing.ts";

Deno.test("Without a good bearer token the answer is 401", async () => {
  await using google = new TestSimulator();
  const { access_token, refresh_token = "" } = await google.connect();
  const cases: [string | null, string][] = [
    [null, "required"],
    ["ya29.nonsense", "authError"],
    [`${access_token}x`, "authError"],
    [refresh_token, "authError"],
  ];
  for (const [token, reason] of cases) {
    const response = await google.youtube("channels?part=id&mine=true", token);
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
    assert.equal(await reasonOf(response), reason);
  }
  assert.equal(google.world.quota.used("streamvibe-local", "default"), 0, "nobody to charge");
});

Deno.test("The quota is counted per project and ends at midnight in California", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const call = () => google.youtube("channels?part=id&mine=true", access_token);
  await google.admin("PUT", "settings", { access_token_seconds: 10_000_000 });
  const lasting = (await google.connect()).access_token;
  await google.admin("PUT", "quota", { buckets: { default: { limit: 3, used: 2 } } });
  const last = await call();
  assert.equal(last.status, 200);
  await last.body?.cancel();
  const refused = await call();
  assert.equal(refused.status, 403);
  assert.equal(await reasonOf(refused), "quotaExceeded");
  await google.admin("PUT", "settings", { clock_offset_seconds: 24 * 3_600 });
  const tomorrow = await google.youtube("channels?part=id&mine=true", lasting);
  assert.equal(tomorrow.status, 200);
  await tomorrow.body?.cancel();
});
