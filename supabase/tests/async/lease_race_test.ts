/** What pgTAP cannot show, having one session: an outcome that meets another one, or a lost lease. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { type JobRow, type OwnJobs, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

/** The function's only answer. */
async function answer<T>(query: postgres.PendingQuery<postgres.Row[]>): Promise<T> {
  const [row] = await query;
  return Object.values(row!)[0];
}

/** A worker's attempt at a job: what it may write, and by which token. */
class Attempt {
  constructor(private sql: postgres.Sql, readonly id: string, readonly token: number) {}

  static async claim(sql: postgres.Sql, jobTypes: readonly string[]): Promise<Attempt[]> {
    const rows = await sql<JobRow[]>`
      select id, fencing_token::int from public.claim_jobs('race', 1000, ${
      sql.array([...jobTypes])
    })`;
    return rows.map(({ id, fencing_token }) => new Attempt(sql, id, fencing_token));
  }

  /** The same attempt, over another connection. */
  over(sql: postgres.Sql): Attempt {
    return new Attempt(sql, this.id, this.token);
  }

  /** Everything an attempt writes names the attempt, so that a row tells whose it is. */
  get mark(): string {
    return `attempt ${this.token}`;
  }

  complete = () =>
    answer<boolean>(this.sql`
      select public.complete_job(${this.id}, to_jsonb(${this.mark}::text), ${this.token})`);
  fail = () =>
    answer<string | null>(this.sql`
      select public.fail_job(${this.id}, ${this.mark}, p_retryable => false, p_fencing_token => ${this.token})`);
  yield = () =>
    answer<boolean>(this.sql`
      select public.yield_job(${this.id}, ${this.token}, to_jsonb(${this.mark}::text))`);
  progress = () =>
    answer<boolean>(this.sql`
      select public.update_job_progress(${this.id}, 50, ${this.mark}, ${this.token})`);
  checkpoint = () =>
    answer<boolean>(this.sql`
      select public.save_job_checkpoint(${this.id}, ${this.token}, to_jsonb(${this.mark}::text))`);
  log = () =>
    answer<boolean>(this.sql`
      select public.add_job_log(${this.id}, 'info', ${this.mark}, p_fencing_token => ${this.token})`);
}

const cancel = (sql: postgres.ISql, id: string) =>
  answer<boolean>(sql`select public.cancel_job(${id})`);

const loseLease = (sql: postgres.Sql, ids: string[]) =>
  sql`
    update public.job_queue
    set slice_started_at = slice_started_at - interval '1 minute',
      lease_expires_at = now() - interval '1 second'
    where id = any(${ids}) and status = 'processing'`;

const linesOf = (sql: postgres.Sql, id: string) =>
  answer<string[]>(sql`
    select coalesce(array_agg(distinct message), '{}') from public.job_log where job_id = ${id}`);

/** Runs `first` in a transaction and commits it once `second`, sent meanwhile, waits for it. */
async function meet<A>(
  { sql, waitingFor }: OwnJobs,
  first: (held: postgres.Sql) => Promise<A>,
  second: () => Promise<unknown>,
): Promise<[A, unknown]> {
  let other: Promise<unknown> | undefined;
  const one = await withOpenTransaction(sql, first, async (pid) => {
    other = second();
    await until(async () => await waitingFor(pid) === 1);
  });
  return [one, await other];
}

const shuffled = <T>(tasks: (() => Promise<T>)[]): Promise<T[]> => {
  const order = tasks.map((_, n) => n).sort(() => Math.random() - 0.5);
  const results: Promise<T>[] = [];
  for (const n of order) results[n] = tasks[n]!();
  return Promise.all(results);
};

Deno.test("of complete_job() and cancel_job() at once, one is recorded and the other told so", async () => {
  await withOwnJobs({ connections: 8 }, async ({ sql, jobTypes, enqueue, job }) => {
    const winners = new Set<string>();
    for (let round = 0; round < 10; round++) {
      await enqueue(20);
      const attempts = await Attempt.claim(sql, jobTypes);
      assert.equal(attempts.length, 20);

      await Promise.all(attempts.map(async (attempt) => {
        const [completed, failed, cancelled] = await shuffled<boolean | string | null>([
          attempt.complete,
          attempt.fail,
          () => cancel(sql, attempt.id),
        ]);
        const said = [completed && "completed", failed, cancelled && "cancelled"].filter(Boolean);
        const ended = await job(attempt.id);
        assert.deepEqual(said, [ended.status], "exactly the recorded one was told so");
        assert.equal(ended.result, completed ? attempt.mark : null);
        assert.equal(ended.error_message, failed ? attempt.mark : null);
        assert.equal(ended.seq, 2, "the claim and one outcome");
        winners.add(ended.status);
      }));
    }
    assert.ok(winners.size > 1, "both orders happened, or nothing was shown");
  });
});

Deno.test("cancel_job() that waits for a completion says that the job has ended", async () => {
  await withOwnJobs({ connections: 4 }, async (own) => {
    const [id] = await own.enqueue(1);
    const [attempt] = await Attempt.claim(own.sql, own.jobTypes);

    const told = await meet(
      own,
      (held) => attempt!.over(held).complete(),
      () => cancel(own.sql, id!),
    );

    assert.deepEqual(told, [true, false]);
    assert.equal((await own.job(id!)).status, "completed");
  });
});

Deno.test("cancel_job() in a transaction that began before the claim cancels all the same", async () => {
  await withOwnJobs({ connections: 4 }, async ({ sql, jobTypes, enqueue, job }) => {
    const [id] = await enqueue(1);

    await sql.begin(async (earlier) => {
      await earlier`select now()`;
      await Attempt.claim(sql, jobTypes);
      assert.equal(await cancel(earlier, id!), true);
    });

    const { status, runtime_seconds } = await job(id!);
    assert.deepEqual({ status, runtime_seconds }, { status: "cancelled", runtime_seconds: 0 });
  });
});

Deno.test("a worker's write that waits for a cancellation is refused", async () => {
  await withOwnJobs({ connections: 4 }, async (own) => {
    for (const write of ["complete", "fail", "yield", "progress", "checkpoint", "log"] as const) {
      const [id] = await own.enqueue(1);
      const [attempt] = await Attempt.claim(own.sql, own.jobTypes);

      const [cancelled, written] = await meet(
        own,
        (held) => cancel(held, id!),
        () => attempt![write](),
      );

      assert.equal(cancelled, true);
      assert.ok(!written, `${write} is told that it came too late`);
      const { status, result, checkpoint, progress_percent, seq } = await own.job(id!);
      assert.deepEqual(
        { status, result, checkpoint, progress_percent, seq },
        { status: "cancelled", result: null, checkpoint: null, progress_percent: 0, seq: 2 },
      );
      assert.deepEqual(await linesOf(own.sql, id!), []);
    }
  });
});

Deno.test("a worker's write that waits for the next worker's claim is refused", async () => {
  await withOwnJobs({ connections: 4 }, async (own) => {
    for (const write of ["complete", "fail", "yield", "progress", "checkpoint", "log"] as const) {
      const [id] = await own.enqueue(1);
      const [old] = await Attempt.claim(own.sql, own.jobTypes);

      const [next, written] = await meet(
        own,
        async (held) => {
          await loseLease(held, [id!]);
          const [taken] = await Attempt.claim(held, own.jobTypes);
          return taken!.over(own.sql);
        },
        () => old![write](),
      );

      assert.ok(next.token > old!.token);
      assert.ok(!written, `${write} is told that the job is another's`);
      assert.equal(await next.complete(), true);
      const { result, checkpoint, progress_message, crash_count } = await own.job(id!);
      assert.deepEqual(
        { result, checkpoint, progress_message, crash_count },
        { result: next.mark, checkpoint: null, progress_message: null, crash_count: 1 },
      );
      assert.deepEqual(await linesOf(own.sql, id!), []);
    }
  });
});

Deno.test("an old attempt never writes once the next one has the job, whoever is quicker", async () => {
  await withOwnJobs({ connections: 8 }, async ({ sql, jobTypes, enqueue, job }) => {
    for (let round = 0; round < 8; round++) {
      await enqueue(20);
      const old = await Attempt.claim(sql, jobTypes);
      await loseLease(sql, old.map(({ id }) => id));
      const next = new Map<string, Attempt>();
      const claim = async () => {
        for (const taken of await Attempt.claim(sql, jobTypes)) next.set(taken.id, taken);
      };

      // Until it is taken away the job is still the old attempt's, so that each write may win or lose.
      const told = new Map<string, unknown>();
      const writes = old.flatMap((attempt) =>
        (["complete", "progress", "checkpoint", "log"] as const).map((write) => async () => {
          told.set(`${write} ${attempt.id}`, await attempt[write]());
        })
      );
      await shuffled([...writes, claim, claim, claim]);
      // What the claims had to leave to a write that was quicker.
      await claim();

      for (const attempt of old) {
        const { id, mark } = attempt;
        const [completed, progressed, saved, logged] = ["complete", "progress", "checkpoint", "log"]
          .map((write) => told.get(`${write} ${id}`));
        const before = await job(id);
        assert.equal(before.status, completed ? "completed" : "processing");
        assert.equal(next.has(id), !completed, "it is the next one's unless it was completed");
        assert.equal(before.result, completed ? mark : null);
        assert.equal(before.progress_message, progressed ? mark : null);
        assert.equal(before.checkpoint, saved ? mark : null);
        assert.deepEqual(await linesOf(sql, id), logged ? [mark] : []);

        const { complete, fail, progress, checkpoint } = attempt;
        const yielded = attempt.yield;
        const late = await shuffled<unknown>([complete, fail, yielded, progress, checkpoint]);
        assert.ok(late.every((written) => !written), "nothing is written late");
        if (next.has(id)) assert.equal(await attempt.log(), false, "nor logged");
        assert.deepEqual(await job(id), before);
        if (next.has(id)) assert.equal(await next.get(id)!.complete(), true);
      }
    }
  });
});

Deno.test("a lost lease is taken back once, however many workers look for it", async () => {
  await withOwnJobs({ connections: 8 }, async ({ sql, jobTypes, enqueue, job }) => {
    const ids = await enqueue(40);
    const old = await Attempt.claim(sql, jobTypes);
    await loseLease(sql, ids);

    const claimed = (await Promise.all(
      Array.from({ length: 8 }, () => Attempt.claim(sql, jobTypes)),
    )).flat();
    claimed.push(...await Attempt.claim(sql, jobTypes));

    assert.deepEqual(claimed.map(({ id }) => id).sort(), ids.toSorted());
    for (const { id, token } of claimed) {
      const { crash_count, fencing_token } = await job(id);
      assert.deepEqual({ crash_count, fencing_token }, { crash_count: 1, fencing_token: token });
      assert.ok(token > old.find((attempt) => attempt.id === id)!.token);
    }
  });
});
