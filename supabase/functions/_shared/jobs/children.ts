import type { z } from "zod";
import { parse } from "./define_job.ts";
import { refusalOf, WaitForChildren, type WaitOptions } from "./errors.ts";
import type { JobRun } from "./job_run.ts";
import type { BatchSummary, ChildJob, ChildPage, ChildResult } from "./job_store.ts";

/** How many children one statement creates; the database takes 5 000. */
const CREATE_AT_ONCE = 1_000;
/** How many results are read at once: each may be 256 KB. */
const READ_AT_ONCE = 50;

/** What a context offers a job that spreads its work over children. */
export interface ChildAccess<C> {
  /**
   * Creates children, each of them once: those with a known key (or else equal type and params) are
   * joined, so that a handler which runs again creates none twice. The checkpoint, if given, stands
   * only when all children do.
   */
  createChildren(
    children: readonly ChildJob[],
    options?: { checkpoint?: C },
  ): Promise<{ created: number; joined: number }>;
  /**
   * Ends the slice until all children have ended; no slot is held meanwhile. Then the engine completes
   * the job with the children's counts, or with `whenDone: "resume"` runs it once more, from the
   * checkpoint.
   */
  waitForChildren(options?: WaitOptions<C>): never;
  /** How many children there are, and how they ended. */
  children(): Promise<BatchSummary>;
  /** Every child with what became of it so far, read a page at a time. */
  childResults(): AsyncGenerator<ChildResult, void, undefined>;
}

/** What {@link child} has to know of a job type: a definition is one. */
export interface JobKind<P extends z.ZodType> {
  readonly type: string;
  readonly params: P;
}

/** How one child differs from the others. */
export interface ChildOptions {
  /** Names the child within its parent; without, it is known by its type and params. */
  key?: string;
  priority?: number;
  delayMs?: number;
}

/** A child to create, its params checked here, where the mistake is made. */
export function child<P extends z.ZodType>(
  kind: JobKind<P>,
  params: z.input<P>,
  { key, priority, delayMs }: ChildOptions = {},
): ChildJob {
  parse(kind.params, params, "INVALID_PARAMS", `params of ${kind.type}`);
  return {
    job_type: kind.type,
    params,
    ...(key !== undefined && { key }),
    ...(priority !== undefined && { priority }),
    ...(delayMs !== undefined && { delay_ms: delayMs }),
  };
}

/** The children's part of a context. */
export function childAccess<C>(run: JobRun): ChildAccess<C> {
  const { lease, parts: { store } } = run;

  async function create(children: readonly ChildJob[], checkpoint?: C) {
    run.mustBeOpen();
    const outcomes = await run.persist(() => store.createChildren(lease, children, checkpoint))
      .catch(
        (error) => {
          if (store.isBadInput(error)) throw refusalOf(error, "INVALID_PARAMS");
          throw error;
        },
      );
    return outcomes ?? run.refused();
  }

  const read = (after: string | null): Promise<ChildPage> =>
    run.persist(() => store.readChildren(lease.job_id, after, READ_AT_ONCE));

  return {
    async createChildren(children, { checkpoint } = {}) {
      let created = 0;
      for (let from = 0; from === 0 || from < children.length; from += CREATE_AT_ONCE) {
        const isLast = from + CREATE_AT_ONCE >= children.length;
        const page = children.slice(from, from + CREATE_AT_ONCE);
        const outcomes = await create(page, isLast ? checkpoint : undefined);
        created += outcomes.filter((outcome) => outcome === "created").length;
      }
      return { created, joined: children.length - created };
    },
    waitForChildren(options) {
      throw new WaitForChildren(options);
    },
    children: () => run.persist(() => store.readBatch(lease.job_id)),
    async *childResults() {
      let after: string | null = null;
      do {
        const page = await read(after);
        yield* page.children;
        after = page.next;
      } while (after !== null);
    },
  };
}
