import assert from "node:assert/strict";
import { sleep, systemClock } from "../../functions/_shared/jobs/clock.ts";
import { openQueue, type Queue } from "../../functions/_shared/jobs/real_queue.ts";

/** 30 minutes of work in slices of 20 seconds, 120 times as fast. */
const scale = 120;
const work_ms = 30 * 60_000 / scale;
const slice_ms = 20_000 / scale;
const unit_ms = 40;
const params = { units: work_ms / unit_ms, unit_ms };
/** One in five of the slices it takes. On a busy machine it takes more, but is not killed more. */
const kills = work_ms / slice_ms / 5;

/** Processes that work on the queue until they are killed; there are always two. */
class Processes {
  readonly #running = new Map<number, Deno.ChildProcess>();

  constructor(private readonly queue: Queue) {
    this.#start();
    this.#start();
  }

  /** Kills the process without warning; another one takes its place. */
  kill(pid: number): void {
    const process = this.#running.get(pid);
    this.#running.delete(pid);
    process?.kill("SIGKILL");
    this.#start();
  }

  async [Symbol.asyncDispose]() {
    const processes = Array.from(this.#running.values());
    for (const process of processes) process.kill("SIGKILL");
    await Promise.all(processes.map(({ status }) => status));
  }

  #start(): void {
    const script = new URL("./long_job_worker.ts", import.meta.url).pathname;
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, this.queue.url, this.queue.type, `${slice_ms}`],
      stdin: "null",
    }).spawn();
    this.#running.set(process.pid, process);
  }
}

Deno.test("a job that needs 30 minutes ends across slices of 20 seconds, every fifth of them killed (at 1:120)", async () => {
  await using queue = await openQueue();
  await queue.sql`
    update public.job_type set lease = '1 second' where name = ${queue.type}`;
  const [id] = await queue.add(1, params);
  await using processes = new Processes(queue);

  let killed: string | null = null;
  let units = 0;
  for (const deadline = performance.now() + 240_000; performance.now() < deadline;) {
    const row = await queue.row(id!);
    if (!["pending", "processing"].includes(row.status)) break;
    const done = row.checkpoint?.units ?? 0;
    assert.ok(done >= units, `units went back from ${units} to ${done}`);
    units = done;
    // A kill in the moment between two slices hits nobody, and is made up for in the next one.
    const isTime = units > (row.crash_count + 0.5) * params.units / kills;
    if (isTime && row.status === "processing" && row.fencing_token !== killed) {
      processes.kill(Number(row.worker_id.split("-")[1]));
      killed = row.fencing_token;
    }
    await sleep(systemClock, 15);
  }

  const row = await queue.row(id!);
  assert.equal(row.status, "completed", JSON.stringify(row));
  assert.equal(row.result.units, params.units);
  assert.ok(row.result.slices >= work_ms / slice_ms, `${row.result.slices} slices`);
  assert.ok(row.runtime_seconds * 1_000 >= work_ms, `${row.runtime_seconds} s of work`);
  assert.equal(row.retry_count, 0);
  assert.ok(row.crash_count >= kills - 1, `${row.crash_count} killed`);
});
