import { strict as assert } from "node:assert";
import { TestSimulator } from "../testing.ts";
import { listAnswer, reasonOf, uploadsOf } from "./testing.ts";

Deno.test("maxResults is 5 unless said otherwise and 50 at most", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const path = `playlistItems?part=id&playlistId=${await uploadsOf(google, access_token)}`;
  const page = await listAnswer(await google.youtube(path, access_token));
  assert.equal(page.items?.length, 5);
  assert.equal(page.pageInfo.resultsPerPage, 5);
  for (const size of ["51", "-1", "many"]) {
    const refused = await google.youtube(`${path}&maxResults=${size}`, access_token);
    assert.equal(refused.status, 400);
    assert.equal(await reasonOf(refused), "invalidParameter");
  }
});

Deno.test("A bad request is told what is wrong with it, and charged for", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const ids = Array.from({ length: 51 }, (_, index) => `v${index}`).join(",");
  const other = await google.connect("other+60@example.com");
  const foreign = await listAnswer(
    await google.youtube(
      `playlistItems?part=id&playlistId=${await uploadsOf(google, other.access_token)}`,
      other.access_token,
    ),
  );
  const own = await uploadsOf(google, access_token);
  const cases: [string, number, string][] = [
    ["channels?mine=true", 400, "missingRequiredParameter"],
    ["channels?part=snippet", 400, "missingRequiredParameter"],
    ["channels?part=nonsense&mine=true", 400, "unknownPart"],
    ["videos?part=id", 400, "missingRequiredParameter"],
    [`videos?part=id&id=${ids}`, 400, "invalidFilters"],
    ["playlistItems?part=id", 400, "missingRequiredParameter"],
    ["playlistItems?part=id&playlistId=UUnobody", 404, "playlistNotFound"],
    [`playlistItems?part=id&playlistId=${own}&pageToken=CAoQAA`, 400, "invalidPageToken"],
    [
      `playlistItems?part=id&playlistId=${own}&pageToken=${foreign.nextPageToken}`,
      400,
      "invalidPageToken",
    ],
  ];
  const used = () => google.world.quota.used("streamvibe-local", "default");
  const before = used();
  for (const [path, status, reason] of cases) {
    const refused = await google.youtube(path, access_token);
    assert.equal(refused.status, status, path);
    assert.equal(await reasonOf(refused), reason, path);
  }
  assert.equal(used() - before, cases.length);
});

Deno.test("An unchanged answer is 304 for its etag, a changed one is not", async () => {
  await using google = new TestSimulator();
  const { access_token } = await google.connect();
  const path = "channels?part=snippet,statistics&mine=true";
  const first = await google.youtube(path, access_token);
  const etag = first.headers.get("etag") ?? "";
  assert.equal(`"${(await listAnswer(first)).etag}"`, etag);
  const same = await google.youtube(path, access_token, { "if-none-match": etag });
  assert.equal(same.status, 304);
  assert.equal(await same.text(), "");
  const other = await google.youtube("channels?part=snippet&mine=true", access_token, {
    "if-none-match": etag,
  });
  assert.equal(other.status, 200);
  await other.body?.cancel();
  const channel = google.world.accounts.accounts()[0]?.channel_id;
  await google.admin("PUT", `channels/${channel}`, { subscribers: 1_000_000 });
  const changed = await google.youtube(path, access_token, { "if-none-match": etag });
  assert.equal(changed.status, 200);
  await changed.body?.cancel();
});
