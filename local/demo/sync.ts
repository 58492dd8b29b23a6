import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import { connectAccount, type ConnectedAccount, connectedAccount } from "./connect.ts";
import { answerOf } from "./demo_error.ts";
import type { SyncResult } from "./job_snapshot.ts";
import { type DemoPlatform, demoPlatforms } from "./platforms.ts";
import { duration, grouped, type Screen } from "./screen.ts";
import { type Watched, watchJob } from "./watch.ts";

const accepted = z.object({
  job_id: z.string(),
  outcome: z.string(),
  websocket_channel: z.string(),
});

interface Syncing {
  readonly platform: DemoPlatform;
  readonly job: z.output<typeof accepted>;
}

/** Connects what is not connected yet, one platform after the other. */
export async function connectAll(
  client: SupabaseClient,
  screen: Screen,
): Promise<Map<DemoPlatform, ConnectedAccount>> {
  const accounts = new Map<DemoPlatform, ConnectedAccount>();
  for (const platform of demoPlatforms) {
    const known = await connectedAccount(client, platform);
    const account = known ?? await connectAccount(client, platform);
    const followers = account.follower_count === null
      ? `${platform.followers} hidden`
      : `${grouped(account.follower_count)} ${platform.followers}`;
    screen.step(
      platform.label,
      `“${account.display_name}” (${account.handle}, ${followers}) ` +
        (known ? "is still connected" : `connected by ${platform.authorizedBy}`),
    );
    accounts.set(platform, account);
  }
  return accounts;
}

/** Starts a sync of every account at once and shows all of them until the last has ended. */
export async function syncAll(
  client: SupabaseClient,
  accounts: ReadonlyMap<DemoPlatform, ConnectedAccount>,
  screen: Screen,
): Promise<void> {
  const asked = performance.now();
  const started: Syncing[] = await Promise.all(
    Array.from(accounts, async ([platform, { id }]) => {
      const name = `sync-${platform.name}`;
      const call = client.functions.invoke(name, { body: { social_account_id: id } });
      return { platform, job: await answerOf(name, call, accepted) };
    }),
  );
  screen.step(
    "Sync",
    `${started.length} × 202 after ${duration(performance.now() - asked)}; watching the jobs`,
  );
  for (const { platform, job } of started) screen.bar(platform.label, 0, `job ${job.outcome}`);
  const watched = await Promise.all(started.map(({ platform, job }) =>
    watchJob(
      client,
      { id: job.job_id, channel: job.websocket_channel },
      (percent, message) => screen.bar(platform.label, percent, message),
    )
  ));
  for (const [index, { platform }] of started.entries()) {
    screen.step(platform.label, outcome(platform, watched[index]!.result));
  }
  screen.more(whereItCameFrom(watched));
}

function outcome({ items }: DemoPlatform, { total, pages, ...result }: SyncResult): string {
  const rare = [
    [result.updated_items, "updated"],
    [result.removed, "removed"],
    [result.missing, "missing"],
    [result.failed_count, "failed"],
  ] as const;
  const counts = [
    `${grouped(result.new_items)} new`,
    `${grouped(result.unchanged)} unchanged`,
    ...rare.filter(([count]) => count > 0).map(([count, what]) => `${grouped(count)} ${what}`),
  ];
  return `${grouped(total)} ${items} on ${pages} pages: ${counts.join(", ")}`;
}

function whereItCameFrom(watched: readonly Watched[]): string {
  const sum = (of: (one: Watched) => number) => watched.reduce((all, one) => all + of(one), 0);
  const [pushed, polls] = [sum((one) => one.pushed), sum((one) => one.asked)];
  const first = Math.min(...watched.map(({ firstPush }) => firstPush ?? Infinity));
  if (first === Infinity) {
    return `Progress came from polling job-status (${polls} updates); Realtime was silent.`;
  }
  return `Progress came from Realtime: ${pushed} updates, the first ${duration(first)} after ` +
    `subscribing${polls > 0 ? `; ${polls} more by asking job-status` : ""}.`;
}
