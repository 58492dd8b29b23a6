import assert from "node:assert/strict";
import { PlatformSync } from "./platform_sync.ts";
import { editItem } from "./simulator.ts";
import { nothingElse } from "./sync_result.ts";

const items = 1_000;
const whole = { ...nothingElse, synced_count: items, total: items };

/** The result without what depends on how a platform cuts its list. */
function counts(result: unknown) {
  const { pages, quota_used, ...rest } = result as Record<string, unknown>;
  assert.ok(Number(pages) >= items / 50 && Number(quota_used) > Number(pages));
  return rest;
}

for (const platform of ["youtube", "instagram", "tiktok"]) {
  Deno.test(`a ${platform} sync of 1 000 items loses and doubles nothing while every tenth page kills its worker`, async () => {
    await using sync = await PlatformSync.open(platform, items);

    const first = await sync.run({ dieAt: 10 });
    assert.equal(first.job.status, "completed", JSON.stringify(first.job));
    assert.ok(first.deaths >= 2, `${first.deaths} deaths`);
    // A worker that is only slow may lose so short a lease as well.
    assert.ok(first.job.crash_count >= first.deaths, `${first.job.crash_count} crashes`);
    assert.equal(first.job.retry_count, 0);
    assert.deepEqual(counts(first.job.result), { ...whole, new_items: items });
    const stored = await sync.stored();
    assert.equal(stored.length, items);
    assert.equal(new Set(stored.map((item) => item.platform_content_id)).size, items);
    assert.ok(stored.every((item) => item.deleted_by === null));

    const second = await sync.run();
    assert.deepEqual(counts(second.job.result), { ...whole, unchanged: items });
    assert.equal(await sync.revisions(), 0);
  });

  Deno.test(`a ${platform} sync marks what has vanished after a whole pass only, and leaves to the owner what they removed`, async () => {
    await using sync = await PlatformSync.open(platform, 60);
    await sync.run();
    const [vanished, removed] = await sync.stored();
    const edit = (item: typeof vanished, change: Parameters<typeof editItem>[4]) =>
      editItem(sync.stack, platform, sync.email, item!.platform_content_id, change);
    const result = async (params: { max_results?: number } = {}) =>
      (await sync.run({ params })).job.result as Record<string, number>;
    const fates = async () => {
      const now = new Map((await sync.stored()).map((item) => [item.id, item]));
      return [vanished!, removed!].map(({ id }) => now.get(id)!.deleted_by);
    };

    await edit(vanished, { deleted: true });
    await sync.creator.client.rpc("delete_content", { p_content_item_id: removed!.id })
      .throwOnError();
    await edit(removed, { title: "Another title" });
    assert.equal((await result({ max_results: 10 })).removed, 0);
    assert.deepEqual(await fates(), [null, "owner"]);

    const whole = await result();
    assert.deepEqual([whole.removed, whole.total, whole.updated_items], [1, 59, 0]);
    assert.deepEqual(await fates(), ["source", "owner"]);

    await edit(vanished, { deleted: false });
    const again = await result();
    assert.deepEqual([again.removed, again.total, again.updated_items], [0, 60, 1]);
    assert.deepEqual(await fates(), [null, "owner"]);
  });
}

Deno.test("a sync of 10 000 items takes less than 64 MB more than an idle worker", async () => {
  await using sync = await PlatformSync.open("youtube", 10_000);
  const { job, extraMemory } = await sync.run();
  const result = job.result as Record<string, number>;
  assert.deepEqual([result.synced_count, result.pages], [10_000, 200]);
  console.log(`RESULT sync_10000_extra_memory ${Math.round(extraMemory! / 2 ** 20)} MB`);
  assert.ok(extraMemory !== null && extraMemory < 64 * 1024 * 1024, `${extraMemory} bytes`);
});
