/**
 * `deno task demo`: a YouTube channel is synced by a background job, and you watch it.
 * @module
 */
import { createClient } from "@supabase/supabase-js";
import { dirname, join } from "node:path";
import { z } from "zod";
import { defaultStackName, stackFile } from "../stack/info.ts";
import { readStack, type StackInfo, startStack } from "../stack/client.ts";
import { defaultApiPort } from "../stack/ports.ts";
import { demoAccount, signIn } from "./account.ts";
import { connectedChannel, connectYouTube } from "./connect.ts";
import { answerOf, DemoError } from "./demo_error.ts";
import { duration, grouped, Screen } from "./screen.ts";
import { setUpProfile } from "./profile.ts";
import type { SyncResult } from "./job_snapshot.ts";
import { patientFetch } from "./patient_fetch.ts";
import { showStored } from "./stored.ts";
import { watchJob } from "./watch.ts";

/** The simulated YouTube answers as slowly as the real one, so that there is something to watch. */
const youtubeDelayMs = 120;

const accepted = z.object({
  job_id: z.string(),
  outcome: z.string(),
  websocket_channel: z.string(),
});

interface UsedStack {
  readonly info: StackInfo;
  readonly stop: (() => Promise<void>) | null;
}

/** The stack that runs, or one that is started for the demo and stopped after it. */
async function useStack(screen: Screen): Promise<UsedStack> {
  const began = performance.now();
  const named = Deno.env.has("STREAMVIBE_STACK");
  const running = await readStack().catch((error: unknown) => {
    if (named) throw error;
    return null;
  });
  if (running) {
    screen.step("Stack", `already running at ${running.api_url}`);
    return { info: running, stop: null };
  }
  const data = join(dirname(await stackFile(defaultStackName)), "pgdata");
  const first = await Deno.stat(data).then(() => false, () => true);
  screen.line(`  … starting the local stack${first ? " (the first start takes longer)" : ""}`);
  const stack = await startStack({
    name: defaultStackName,
    port: defaultApiPort,
    fast: false,
    seed: true,
  });
  screen.step("Stack", `started in ${duration(performance.now() - began)} at ${stack.api_url}`);
  return { info: stack, stop: () => stack.stop() };
}

/** Sets the pace of the simulated YouTube and returns how to set it back. */
async function slowYouTube({ providers_url }: StackInfo): Promise<() => Promise<void>> {
  const id = `demo-${crypto.randomUUID()}`;
  // Counted, so that a demo that is interrupted does not leave a slow YouTube behind.
  const fault = { id, kind: "slow", path: "/youtube/", delay_ms: youtubeDelayMs, count: 60 };
  const faults = `${providers_url}/_admin/faults`;
  const call = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init).catch(() => null);
    await response?.body?.cancel();
  };
  await call(faults, { method: "POST", body: JSON.stringify(fault) });
  return () => call(`${faults}/${id}`, { method: "DELETE" });
}

function outcome({ total, batches, missing, updated, ...result }: SyncResult): string {
  const counts = [
    `${grouped(result.new)} new`,
    ...(updated > 0 ? [`${grouped(updated)} updated`] : []),
    `${grouped(result.unchanged)} unchanged`,
    ...(missing > 0 ? [`${grouped(missing)} missing`] : []),
  ];
  return `${grouped(total)} videos in ${batches} batches: ${counts.join(", ")}`;
}

async function demo(stack: StackInfo, screen: Screen): Promise<void> {
  const client = createClient(stack.api_url, stack.publishable_key, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { fetch: patientFetch({ onWait: () => screen.more("… waiting for an answer") }) },
  });
  try {
    const how = await signIn(client, stack.mail_url);
    screen.step("Account", `${demoAccount.email} ${how}`);
    screen.step("Profile", await setUpProfile(client));

    const known = await connectedChannel(client);
    const channel = known ?? await connectYouTube(client);
    const followers = channel.follower_count === null
      ? "subscribers hidden"
      : `${grouped(channel.follower_count)} subscribers`;
    screen.step(
      "YouTube",
      `“${channel.display_name}” (${channel.handle}, ${followers}) ` +
        (known ? "is still connected" : "connected by OAuth with PKCE"),
    );

    await client.realtime.setAuth();
    const asked = performance.now();
    const job = await answerOf(
      "sync-youtube",
      client.functions.invoke("sync-youtube", { body: { social_account_id: channel.id } }),
      accepted,
    );
    screen.step(
      "Sync",
      `202 after ${
        duration(performance.now() - asked)
      }: job ${job.job_id} ${job.outcome}; watching it`,
    );

    const { result, pushed, asked: polls, firstPush } = await watchJob(
      client,
      { id: job.job_id, channel: job.websocket_channel },
      (percent, message) => screen.bar(percent, message),
    );
    screen.step("Done", outcome(result));
    screen.more(
      firstPush === null
        ? `Progress came from polling job-status (${polls} updates); Realtime was silent.`
        : `Progress came from Realtime: ${pushed} updates, the first ${
          duration(firstPush)
        } after ` +
          `subscribing${polls > 0 ? `; ${polls} more by asking job-status` : ""}.`,
    );
    await showStored(client, channel.id, screen);
  } finally {
    await client.removeAllChannels();
  }
}

const began = performance.now();
const screen = new Screen(Deno.stdout.isTerminal() && !Deno.env.has("NO_COLOR"));
let used: UsedStack | null = null;
let status = 0;
screen.line("StreamVibe: a YouTube channel, synced by a background job, live.\n");
try {
  used = await useStack(screen);
  const restorePace = await slowYouTube(used.info);
  await demo(used.info, screen).finally(restorePace);
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
      ? "The stack was stopped again. Run the demo once more (everything will be unchanged), or look around: deno task start"
      : "Run it once more: everything will be unchanged.",
  );
}
Deno.exit(status);
