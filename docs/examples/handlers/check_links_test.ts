import assert from "node:assert/strict";
import { FatalError } from "../../../supabase/functions/_shared/jobs/errors.ts";
import { runInMemory, TestQueue } from "../../../supabase/functions/_shared/jobs/testing.ts";
import { checkLinks, type CheckLinksDeps } from "./check_links.ts";
import { checkPages } from "./check_pages.ts";

const urls = ["https://a.example/", "https://b.example/", "https://c.example/"];

/** A web in which only these links are broken. */
function web(...broken: string[]) {
  const asked: string[] = [];
  const deps: CheckLinksDeps = {
    head(url) {
      asked.push(url);
      return Promise.resolve({ status: broken.includes(url) ? 404 : 200 });
    },
  };
  return { asked, deps };
}

Deno.test("check_links says which links are broken, and shows each step", async () => {
  const { outcome, progress } = await runInMemory(checkLinks, {
    params: { urls },
    deps: web(urls[1]!).deps,
  });
  assert.deepEqual(outcome, {
    kind: "completed",
    result: { checked: 3, broken: [urls[1]] },
  });
  assert.deepEqual(progress.map(({ percent }) => percent), [33, 66, 99]);
});

Deno.test("check_links goes on where it stopped, in the next slice", async () => {
  const { asked, deps } = web();
  const first = await runInMemory(checkLinks, { params: { urls }, deps, remaining: () => 0 });
  assert.equal(first.outcome.kind, "yielded");
  assert.deepEqual(asked, [urls[0]]);
  await runInMemory(checkLinks, { params: { urls }, deps, checkpoint: first.checkpoints.at(-1)! });
  assert.deepEqual(asked, urls, "no link was asked for twice");
});

Deno.test("check_links waits exactly as long as a 429 asks for", async () => {
  const answers = [{ status: 429, retryAfterMs: 90_000 }, { status: 200 }, { status: 200 }];
  const deps = { head: () => Promise.resolve(answers.shift() ?? { status: 200 }) };
  const queue = new TestQueue([checkLinks], deps);
  const row = queue.add(checkLinks, { urls });
  await queue.drain();
  assert.equal(row.status, "completed");
  assert.deepEqual(queue.runs.map(({ startedAt }) => startedAt), [0, 90_000]);
});

Deno.test("check_links refuses what is no address, before it asks anybody", async () => {
  const { asked, deps } = web();
  const { outcome } = await runInMemory(checkLinks, { params: { urls: ["nonsense"] }, deps });
  assert.equal(outcome.kind === "failed" && outcome.code, "INVALID_PARAMS");
  assert.deepEqual(asked, []);
});

Deno.test("check_pages adds up what its children found, also when one of them failed", async () => {
  const { deps } = web(urls[0]!);
  const head: CheckLinksDeps["head"] = (url, signal) => {
    if (url === "https://never.example/") throw new FatalError("PROVIDER_REJECTED");
    return deps.head(url, signal);
  };
  const queue = new TestQueue([checkLinks, checkPages], { head });
  const row = queue.add(checkPages, {
    pages: [
      { name: "home", urls },
      { name: "about", urls: [urls[2]!] },
      { name: "gone", urls: ["https://never.example/"] },
    ],
  });
  await queue.drain();
  assert.deepEqual(row.result, { pages: 3, failed: 1, broken: [urls[0]] });
});

Deno.test("check_pages creates no children when one of them is not valid", async () => {
  const pages = [{ name: "home", urls }, { name: "empty", urls: [] }];
  const { children, outcome } = await runInMemory(checkPages, { params: { pages }, deps: {} });
  assert.equal(outcome.kind === "failed" && outcome.code, "INVALID_PARAMS");
  assert.deepEqual(children, []);
});
