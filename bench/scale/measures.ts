import { type Backend, type Cost, costOf } from "../lab/backend.ts";
import { addExpired } from "./expired.ts";
import { jobType, watchedUser } from "./fill.ts";
import { asOwner, timed } from "./timed.ts";

/** One line of "Speed it must reach": what is timed, and the most it may take with 10 000 rows. */
export interface Measure {
  readonly name: string;
  readonly limitMs: number;
  /** Goes that count; short ones need many, or their median is noise. */
  readonly goes: number;
  run(backend: Backend, quick: boolean): Promise<Cost>;
}

/** The list of the specification, in its order, and the one enqueue that its HTTP line stands on. */
export const measures: readonly Measure[] = [
  {
    name: "claim of one job, 10 000 wait",
    limitMs: 10,
    goes: 100,
    run: (backend) =>
      timed(backend, (tx) => tx`select id from public.claim_jobs('worker-bench', 1)`),
  },
  {
    name: "status by id, as its owner",
    limitMs: 2,
    goes: 200,
    async run(backend) {
      const [job] = await backend.sql`
        select id from public.job_queue where user_id = ${watchedUser} limit 1`;
      return await timed(
        backend,
        (tx) => tx`select * from public.job_queue where id = ${job!.id}`,
        asOwner,
      );
    },
  },
  {
    name: "dedupe: an equal job is joined",
    limitMs: 5,
    goes: 100,
    run: (backend) => find(backend, { waits: 1 }, "joined"),
  },
  {
    name: "cache: a result is reused",
    limitMs: 5,
    goes: 100,
    run: (backend) => find(backend, { watched: 1 }, "reused"),
  },
  {
    name: "enqueue of one job, as its owner",
    limitMs: 5,
    goes: 100,
    run: (backend) =>
      timed(
        backend,
        (tx) => tx`select public.create_job(${watchedUser}, ${jobType}, '{"new": true}')`,
        asOwner,
      ),
  },
  {
    name: "1 000 jobs in one call",
    limitMs: 100,
    goes: 15,
    run(backend) {
      const jobs = Array.from(
        { length: 1_000 },
        (_, n) => ({ job_type: jobType, params: { n: -n } }),
      );
      return timed(backend, (tx) => tx`select count(*) from public.create_jobs(${tx.json(jobs)})`);
    },
  },
  {
    name: "cleanup of 100 000 finished jobs",
    limitMs: 500,
    goes: 5,
    async run({ sql, pid }, quick) {
      const count = quick ? 10_000 : 100_000;
      await addExpired(sql, count);
      const { ms, cpuMs } = await costOf(
        pid,
        () => sql`select private.cleanup_old_jobs(${count})`,
      );
      const share = 100_000 / count;
      return { ms: ms * share, cpuMs: cpuMs * share };
    },
  },
  {
    name: "stats over all jobs",
    limitMs: 50,
    goes: 50,
    run: (backend) => timed(backend, (tx) => tx`select * from public.get_job_queue_stats(null)`),
  },
  {
    name: "first page of a user's jobs",
    limitMs: 5,
    goes: 100,
    run: (backend) =>
      timed(backend, (tx) => tx`select * from public.get_user_jobs(${watchedUser})`, asOwner),
  },
];

async function find(
  backend: Backend,
  params: Record<string, number>,
  expected: string,
): Promise<Cost> {
  return await timed(
    backend,
    async (tx) => {
      const [found] = await tx`
        select outcome from public.find_or_create_job(
          ${watchedUser}, ${jobType}, ${tx.json(params)})`;
      if (found!.outcome !== expected) throw new Error(`${found!.outcome}, not ${expected}`);
    },
    asOwner,
  );
}
