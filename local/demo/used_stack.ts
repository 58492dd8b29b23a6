import { dirname, join } from "node:path";
import { readStack, type StackInfo, startStack } from "../stack/client.ts";
import { stackFile } from "../stack/info.ts";
import { usualOrFreeApiPort } from "../stack/ports.ts";
import { demoPlatforms } from "./platforms.ts";
import { duration, type Screen } from "./screen.ts";

/** The simulated platforms answer about as slowly as real ones, so that there is something to watch. */
const delayMs = 100;

/** A stack, and how to stop it if the demo has started it. */
export interface UsedStack {
  readonly info: StackInfo;
  readonly stop: (() => Promise<void>) | null;
}

/** The stack that runs, or one that is started for the demo and stopped after it. */
export async function useStack(name: string, screen: Screen): Promise<UsedStack> {
  const began = performance.now();
  const named = Deno.env.has("STREAMVIBE_STACK");
  const running = await readStack(name).catch((error: unknown) => {
    if (named) throw error;
    return null;
  });
  if (running) {
    screen.step("Stack", `already running at ${running.api_url}`);
    return { info: running, stop: null };
  }
  const data = join(dirname(await stackFile(name)), "pgdata");
  const first = await Deno.stat(data).then(() => false, () => true);
  screen.line(`  … starting the local stack${first ? " (the first start takes longer)" : ""}`);
  const stack = await startStack({
    name,
    port: usualOrFreeApiPort(),
    fast: false,
    seed: true,
  });
  screen.step("Stack", `started in ${duration(performance.now() - began)} at ${stack.api_url}`);
  return { info: stack, stop: () => stack.stop() };
}

/** Sets the pace of the simulated platforms and returns how to set it back. */
export async function slowPlatforms({ providers_url }: StackInfo): Promise<() => Promise<void>> {
  const faults = `${providers_url}/_admin/faults`;
  const call = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init).catch(() => null);
    await response?.body?.cancel();
  };
  const ids = await Promise.all(demoPlatforms.map(async ({ name }) => {
    const id = `demo-${crypto.randomUUID()}`;
    // Counted, so that a demo that is interrupted does not leave slow platforms behind.
    const fault = { id, kind: "slow", path: `/${name}/`, delay_ms: delayMs, count: 60 };
    await call(faults, { method: "POST", body: JSON.stringify(fault) });
    return id;
  }));
  return async () => {
    await Promise.all(ids.map((id) => call(`${faults}/${id}`, { method: "DELETE" })));
  };
}
