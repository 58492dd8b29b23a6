import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { ended, Person } from "./person.ts";
import { accountWith } from "./simulator.ts";

type Row = Record<string, unknown>;

/** Watches the jobs that a person may see by `postgres_changes`, as soon as the server is ready. */
async function watchRows(person: Person): Promise<Row[]> {
  const rows: Row[] = [];
  const channel = person.client.channel(`rows-${crypto.randomUUID()}`);
  channel.on(
    "postgres_changes",
    { event: "*", schema: "public", table: "job_queue" },
    (change) => rows.push(change.new as Row),
  );
  const ready = Promise.withResolvers<void>();
  channel.on("system", {}, ({ extension, status, message }) => {
    if (extension !== "postgres_changes") return;
    if (status === "ok") ready.resolve();
    else ready.reject(new Error(message));
  });
  channel.subscribe();
  await ready.promise;
  return rows;
}

Deno.test("postgres_changes tells the owner of their job, and a stranger nothing", async () => {
  const stack = await readStack();
  const owner = await Person.signUp(stack);
  const stranger = await Person.signUp(stack);
  await owner.connectYouTube(accountWith(50));
  const [seen, hidden] = [await watchRows(owner), await watchRows(stranger)];

  const id = await owner.startSync();
  await owner.waitForJob(id, ended);
  const wanted = () => seen.some(({ status }) => status === "completed");
  for (let look = 0; look < 1_200 && !wanted(); look++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
  }

  assert.ok(wanted(), JSON.stringify(seen));
  assert.ok(seen.every((row) => row.id === id));
  assert.deepEqual(hidden, []);
  await Promise.all([owner.leave(), stranger.leave()]);
});
