import { type RunningStack, startStack } from "../stack/client.ts";

/** A stack that starts when it is first asked for. */
export interface LazyStack {
  readonly isStarted: () => boolean;
  readonly get: () => Promise<RunningStack>;
  readonly stop: () => Promise<void>;
}

/** A stack of the gate's own, told from its others by `suffix`. */
export function lazyStack(suffix: string): LazyStack {
  let started: Promise<RunningStack> | undefined;
  return {
    isStarted: () => started !== undefined,
    get: () => started ??= startStack({ name: `test-${Deno.pid}-${suffix}`, fast: true }),
    stop: async () => await (await started?.catch(() => undefined))?.stop({ remove: true }),
  };
}
