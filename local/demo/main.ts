/**
 * `deno task demo`: three platforms are synced by background jobs, and you watch them.
 * @module
 */
import { createClient } from "@supabase/supabase-js";
import type { StackInfo } from "../stack/client.ts";
import { taskFor } from "../stack/info.ts";
import { stackNameFrom } from "../tasks/stack_name.ts";
import { demoAccount, signIn } from "./account.ts";
import { DemoError } from "./demo_error.ts";
import { patientFetch } from "./patient_fetch.ts";
import { takePlan } from "./plan.ts";
import { setUpProfile } from "./profile.ts";
import { duration, Screen } from "./screen.ts";
import { showStored } from "./stored.ts";
import { connectAll, syncAll } from "./sync.ts";
import { slowPlatforms, type UsedStack, useStack } from "./used_stack.ts";

async function demo(stack: StackInfo, screen: Screen): Promise<void> {
  const client = createClient(stack.api_url, stack.publishable_key, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { fetch: patientFetch({ onWait: () => screen.more("… waiting for an answer") }) },
  });
  try {
    const how = await signIn(client, stack.mail_url);
    screen.step("Account", `${demoAccount.email} ${how}`);
    screen.step("Profile", await setUpProfile(client));
    screen.step("Plan", await takePlan(client, stack));
    const accounts = await connectAll(client, screen);
    await client.realtime.setAuth();
    const restorePace = await slowPlatforms(stack);
    await syncAll(client, accounts, screen).finally(restorePace);
    await showStored(client, accounts, screen);
  } finally {
    await client.removeAllChannels();
  }
}

const name = stackNameFrom(Deno.args);
const began = performance.now();
const screen = new Screen(Deno.stdout.isTerminal() && !Deno.env.has("NO_COLOR"));
let used: UsedStack | null = null;
let status = 0;
screen.line("StreamVibe: three platforms, synced by background jobs, live.\n");
try {
  used = await useStack(name, screen);
  await demo(used.info, screen);
  screen.line(`\nAll of it took ${duration(performance.now() - began)}.`);
} catch (error) {
  status = 1;
  screen.line();
  const expected = error instanceof DemoError || used === null;
  console.error(expected && error instanceof Error ? error.message : error);
} finally {
  await used?.stop?.();
}
if (status === 0) {
  screen.line(
    used?.stop
      ? "The stack was stopped again. Run the demo once more (everything will be unchanged), or look around: " +
        taskFor("start", name)
      : "Run it once more: everything will be unchanged.",
  );
}
Deno.exit(status);
