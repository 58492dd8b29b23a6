import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { ended, Person } from "./person.ts";

/** More than a worker has slots for; as many as a user may have active. */
const jobs = 10;
const slots = 8;

Deno.test("long jobs of one user that take all of a worker's slots keep nobody else waiting", async () => {
  const stack = await readStack();
  const [greedy, other] = [await Person.signUp(stack), await Person.signUp(stack)];
  const created = await Promise.all(Array.from({ length: jobs }, () => start(greedy, 100, 1_200)));
  const running = () =>
    greedy.client.from("job_queue").select("id").eq("status", "processing")
      .then(({ data }) => data!.length);
  for (const deadline = Date.now() + 15_000; await running() < slots;) {
    assert.ok(Date.now() < deadline, `${await running()} run`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }

  const job = await other.waitForJob(await start(other, 1, 0), ended, 20_000);

  assert.equal(job.status, "completed");
  assert.ok(await running() >= slots, "they still take as many");
  for (const id of created) {
    await greedy.client.rpc("cancel_job", { p_job_id: id, p_user_id: greedy.id });
  }
  await Promise.all([greedy.leave(), other.leave()]);
});

async function start(person: Person, steps: number, step_ms: number): Promise<string> {
  const { data, error } = await person.client.rpc("create_job", {
    p_user_id: person.id,
    p_job_type: "self_test",
    p_params: { steps, step_ms },
  });
  assert.equal(error, null);
  return data!;
}
