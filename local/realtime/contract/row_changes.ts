/** Support for the tests of `postgres_changes`: a table of a test's own, and what arrives about it. */

import type { RealtimeChannel, SupabaseClient } from "@supabase/supabase-js";
import { Inbox, subscribed } from "./inbox.ts";
import type { Project } from "./project.ts";

/** A row change as a client's callback sees it. */
export interface Change {
  eventType: string;
  schema: string;
  table: string;
  commit_timestamp: string;
  new: Record<string, unknown>;
  old: Record<string, unknown>;
  errors: string[] | null;
}

/** What a test wants to be told. */
export interface Wanted {
  event?: "INSERT" | "UPDATE" | "DELETE" | "*";
  table: string;
  filter?: string;
  /** Columns to be sent; all when absent. */
  select?: string[];
}

/** Makes a published table that is gone after the test; returns its name. */
export async function makeTable(
  project: Project,
  { columns, more = "" }: { columns: string; more?: string },
): Promise<string> {
  const name = `contract_${crypto.randomUUID().slice(0, 8)}`;
  await project.during(
    `create table public.${name} (${columns});
      grant select on public.${name} to authenticated, service_role;
      alter publication supabase_realtime add table public.${name};
      ${more.replaceAll("{table}", `public.${name}`)}`,
    `drop table public.${name}`,
  );
  return name;
}

/** Columns of a table whose rows belong to a user, and the policy that says so. */
export const owned = {
  columns: "id int primary key, owner uuid not null, note text, secret text",
  more: `alter table {table} enable row level security;
    revoke select on {table} from authenticated;
    grant select (id, owner, note) on {table} to authenticated;
    create policy mine on {table} for select to authenticated using (
      owner::text = (select current_setting('request.jwt.claims', true)::jsonb ->> 'sub')
    );`,
};

/** Subscribes to changes and waits until the server says that they flow. */
export async function watch(client: SupabaseClient, ...wanted: Wanted[]): Promise<Inbox<Change>> {
  const inbox = new Inbox<Change>();
  const { message, status } = await open(client, inbox, wanted);
  if (status !== "ok") throw new Error(message);
  return inbox;
}

/** Subscribes to changes; what the server says about them. */
export async function open(client: SupabaseClient, inbox: Inbox<Change>, wanted: Wanted[]) {
  const channel: RealtimeChannel = client.channel(`contract-${crypto.randomUUID()}`);
  const system = new Inbox<{ extension: string; status: string; message: string }>();
  channel.on("system", {}, (message) => system.put(message as never));
  for (const { event = "*", ...what } of wanted) {
    channel.on(
      "postgres_changes",
      { event: event as "*", schema: "public", ...what },
      (change) => inbox.put(change as unknown as Change),
    );
  }
  await subscribed(channel);
  return await system.first(({ extension }) => extension === "postgres_changes");
}
