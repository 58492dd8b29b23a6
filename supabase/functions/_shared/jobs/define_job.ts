import type { z } from "zod";
import type { ErrorCode } from "../errors.ts";
import { FatalError } from "./errors.ts";
import type { JobContext } from "./context.ts";
import type { JobRun } from "./job_run.ts";

/** What a job type is. `Deps` is what its handler needs from outside, as plain objects. */
export interface JobSpec<
  P extends z.ZodType,
  C extends z.ZodType,
  R extends z.ZodType,
  Deps,
> {
  /** The row in `job_type`, the file under `handlers/` and this word are the same. */
  type: string;
  params: P;
  checkpoint: C;
  result: R;
  /**
   * Does the work and returns the result. It may run again after a crash, so it saves by natural
   * key and starts from `ctx.checkpoint`. What it throws says what happens next: see `errors.ts`.
   */
  run(ctx: JobContext<z.output<P>, z.output<C>>, deps: Deps): Promise<z.input<R>>;
}

/** A job type as the worker sees it: params, checkpoint and result are sealed inside. */
export interface RunnableJob<Deps> {
  readonly type: string;
  /** Throws a `ZodError` when params are not what the handler expects. */
  parseParams(params: unknown): unknown;
  /** Validates params and starts the handler. */
  start(run: JobRun, deps: Deps): Promise<unknown>;
  /** Validates what the handler has returned. */
  parseResult(result: unknown): unknown;
}

/** A job type with its types still on it, as handlers export it and tests use it. */
export interface JobDefinition<
  P extends z.ZodType,
  C extends z.ZodType,
  R extends z.ZodType,
  Deps,
> extends RunnableJob<Deps> {
  readonly params: P;
  readonly spec: JobSpec<P, C, R, Deps>;
}

/** Defines a job type. Adding one is a file with this call, a line in `registry.ts`, and a test. */
export function defineJob<
  P extends z.ZodType,
  C extends z.ZodType,
  R extends z.ZodType,
  Deps,
>(spec: JobSpec<P, C, R, Deps>): JobDefinition<P, C, R, Deps> {
  // Most jobs end with nothing, and are asked once whether they may.
  let isNothingValid = false;
  return {
    type: spec.type,
    params: spec.params,
    spec,
    parseParams: (params) => spec.params.parse(params),
    start(run, deps) {
      const params = parse(spec.params, run.job.params, "INVALID_PARAMS", "params");
      return spec.run(run.context(params, readCheckpoint(spec.checkpoint, run)), deps);
    },
    parseResult(result) {
      if (result === null && isNothingValid) return null;
      const parsed = parse(spec.result, result, "INVALID_RESULT", "result");
      isNothingValid ||= result === null && parsed === null;
      return parsed;
    },
  };
}

/** A checkpoint that an older release wrote and this one cannot read means: start over. */
function readCheckpoint<C extends z.ZodType>(schema: C, run: JobRun): z.output<C> | null {
  if (run.job.checkpoint === null || run.job.checkpoint === undefined) return null;
  const parsed = schema.safeParse(run.job.checkpoint);
  if (parsed.success) return parsed.data;
  run.log.warning("Checkpoint not readable by this version, starting over");
  return null;
}

/** The value as the schema reads it, or a `FatalError` that the job's owner may see. */
export function parse<S extends z.ZodType>(
  schema: S,
  value: unknown,
  code: ErrorCode,
  what: string,
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  // Paths and rules only: the offending values may be anything, also secrets.
  const issues = parsed.error.issues.slice(0, 5)
    .map((issue) => `${issue.path.join(".") || what}: ${issue.code}`);
  throw new FatalError(code, { message: `Job ${what} not valid (${issues.join(", ")})` });
}
