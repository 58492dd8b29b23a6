import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import { answerOf, DemoError } from "./demo_error.ts";
import type { DemoPlatform } from "./platforms.ts";

const started = z.object({ authorization_url: z.url() });
const handedOver = z.object({ code: z.string(), state: z.string() });
const connected = z.object({ social_account_id: z.string() });
const accountRow = z.object({
  id: z.string(),
  display_name: z.string().nullable(),
  handle: z.string().nullable(),
  follower_count: z.number().nullable(),
});

/** A connected account. */
export type ConnectedAccount = z.output<typeof accountRow>;

function unescapeHtml(text: string): string {
  return text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Presses "Continue" on the consent page, as a person would, and returns where that leads. */
async function consent({ label }: DemoPlatform, authorizationUrl: string): Promise<string> {
  const page = await fetch(authorizationUrl, { headers: { accept: "text/html" } });
  const html = await page.text();
  const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1];
  if (!page.ok || !action) {
    const reason = /<title>([^<]*)</.exec(html)?.[1] ?? `status ${page.status}`;
    throw new DemoError(`The consent page of the simulated ${label} could not be used: ${reason}.`);
  }
  const form = new URLSearchParams({ decision: "approve" });
  for (const [input] of html.matchAll(/<input [^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1];
    const value = /value="([^"]*)"/.exec(input)?.[1] ?? "";
    if (name) form.append(name, unescapeHtml(value));
  }
  const account = /<option selected>([^<]*)</.exec(html)?.[1];
  if (account) form.append("account", unescapeHtml(account));
  const answer = await fetch(new URL(unescapeHtml(action), page.url), {
    method: "POST",
    body: form,
    redirect: "manual",
  });
  await answer.body?.cancel();
  const target = answer.headers.get("location");
  if (!target) throw new DemoError(`The simulated ${label} did not send the browser back.`);
  return target;
}

/** Follows the way back to our site and reads there what its page hands in to connect the channel. */
async function comeBack(
  { label }: DemoPlatform,
  callbackUrl: string,
): Promise<{ code: string; state: string }> {
  const answer = await fetch(callbackUrl, { redirect: "manual" });
  await answer.body?.cancel();
  const page = answer.headers.get("location");
  const query = Object.fromEntries(page ? new URL(page).searchParams : []);
  const handed = handedOver.safeParse(query);
  if (!handed.success) {
    throw new DemoError(
      `The way back from the simulated ${label} ended with ${query.error ?? answer.status}.`,
    );
  }
  return handed.data;
}

/** The user's account of this platform, if one is connected and in order. */
export async function connectedAccount(
  client: SupabaseClient,
  platform: DemoPlatform,
): Promise<ConnectedAccount | null> {
  const { data, error } = await client.from("social_account")
    .select("id, display_name, handle, follower_count")
    .eq("platform_name", platform.name).eq("status", "active").is("deleted_at", null)
    .limit(1);
  if (error) throw new DemoError(`The connected accounts cannot be read: ${error.message}.`);
  return z.array(accountRow).parse(data)[0] ?? null;
}

/** Connects an account through the OAuth functions and the platform's consent page. */
export async function connectAccount(
  client: SupabaseClient,
  platform: DemoPlatform,
): Promise<ConnectedAccount> {
  const init = `oauth-${platform.name}-init`;
  const callback = `oauth-${platform.name}-callback`;
  const { authorization_url } = await answerOf(
    init,
    client.functions.invoke(init, { body: {} }),
    started,
  );
  const body = await comeBack(platform, await consent(platform, authorization_url));
  await answerOf(callback, client.functions.invoke(callback, { body }), connected);
  const account = await connectedAccount(client, platform);
  if (!account) throw new DemoError("The account was connected, but its owner cannot see it.");
  return account;
}
