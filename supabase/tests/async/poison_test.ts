/** What a job that kills its worker does to those that happen to run beside it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readStack } from "../../../local/stack/client.ts";
import { type OwnJobs, withOwnJobs } from "./own_jobs.ts";

const { db_url: dbUrl } = await readStack();

/** A worker in a process of its own. */
class Process implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  #said = "";

  constructor(type: string, concurrency: number, ...more: string[]) {
    const worker = join(import.meta.dirname!, "poison_worker.ts");
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", worker, dbUrl, type, `${concurrency}`, ...more],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#read = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeTo(new WritableStream({ write: (text) => void (this.#said += text) }));
  }

  /** What it has started, in order. */
  get started(): number[] {
    return this.#said.split("\n").slice(0, -1).map(Number);
  }

  get killed(): Promise<boolean> {
    return this.#child.status.then(({ signal }) => signal === "SIGKILL");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async [Symbol.asyncDispose]() {
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
    await this.#read;
  }
}

const until = async (what: string, isSo: () => boolean | Promise<boolean>) => {
  const end = Date.now() + 60_000;
  while (!await isSo()) {
    assert.ok(Date.now() < end, `in a minute ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Users' jobs, in turns; the last of them is poison if asked for. */
async function enqueue({ sql, users, jobTypes }: OwnJobs, count: number, isPoison: boolean) {
  await sql`
    insert into public.job_queue (user_id, job_type, turn, params)
    select (${[...users]}::uuid[])[1 + n % ${users.length}], ${jobTypes[0]!}, n,
      jsonb_build_object('n', n, 'is_poison', ${isPoison} and n = ${count})
    from generate_series(1, ${count}::int) as n`;
}

const endsOf = async ({ sql, jobTypes }: OwnJobs) =>
  new Map((await sql<{ n: number; end: string }[]>`
    select (params ->> 'n')::int as n, concat_ws(' ', status, error_code) as end
    from public.job_queue where job_type = ${jobTypes[0]!}`).map(({ n, end }) => [n, end]));

const haveEnded = async ({ sql, jobTypes }: OwnJobs) =>
  (await sql`
    select from public.job_queue
    where job_type = ${jobTypes[0]!} and completed_at is null limit 1`).length === 0;

/** Workers work, and whoever dies is replaced, until all jobs have ended. */
async function work(own: OwnJobs, processes: number, concurrency: number): Promise<number> {
  let isOver = false;
  let deaths = 0;
  const keepOne = async () => {
    while (!isOver) {
      await using process = new Process(own.jobTypes[0]!, concurrency);
      await Promise.race([process.killed.then((isKilled) => deaths += Number(isKilled)), over]);
    }
  };
  const over = until("all have ended", () => haveEnded(own)).finally(() => isOver = true);
  await Promise.all([over, ...Array.from({ length: processes }, keepOne)]);
  return deaths;
}

async function oneIsPoison(jobs: number, users: number, processes: number, concurrency: number) {
  const wanted = { connections: 2, users, jobTypes: [{ lease: "1 second" }] };
  await withOwnJobs(wanted, async (own) => {
    await enqueue(own, jobs, true);
    assert.equal(await work(own, processes, concurrency), 3);
    const ends = await endsOf(own);
    assert.equal(ends.get(jobs), "failed WORKER_LOST", "the guilty one");
    ends.delete(jobs);
    assert.deepEqual(
      [...ends].filter(([, end]) => end !== "completed"),
      [],
      "and none of its neighbours",
    );
    assert.equal(ends.size, jobs - 1);
  });
}

Deno.test("of eight jobs one of which kills its worker only that one is given up", () =>
  oneIsPoison(8, 2, 1, 8));

Deno.test("of hundreds of several users only the one that kills its worker is given up", () =>
  oneIsPoison(300, 5, 1, 400));

Deno.test("nor do two workers at once give up others than the guilty one", () =>
  oneIsPoison(60, 3, 2, 20));

Deno.test("three workers that are killed from outside fail none of the jobs they ran", async () => {
  await withOwnJobs(
    { connections: 2, users: 2, jobTypes: [{ lease: "1 second" }] },
    async (own) => {
      const [type] = own.jobTypes as [string];
      await enqueue(own, 16, false);
      const runWhenKilled = async (count: number): Promise<number[]> => {
        await using process = new Process(type, 16, "held");
        await until(`${count} have started`, () => process.started.length >= count);
        // What it would start beside them it would start now.
        await new Promise((resolve) => setTimeout(resolve, 700));
        await process.kill();
        return process.started;
      };
      assert.equal((await runWhenKilled(16)).length, 16, "all in company");
      const few = await runWhenKilled(4);
      const others = await runWhenKilled(4);
      assert.deepEqual(
        [few.length, others.length],
        [4, 4],
        "then among few that have crashed, too",
      );
      assert.ok(others.every((n) => !few.includes(n)), "in the order in which they were lost");
      await work(own, 1, 16);
      const ends = [...(await endsOf(own)).values()];
      assert.deepEqual(ends, Array.from(ends, () => "completed"));
    },
  );
});
