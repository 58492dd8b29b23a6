import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import { answerOf, DemoError } from "./demo_error.ts";

const started = z.object({ authorization_url: z.url() });
const handedOver = z.object({ code: z.string(), state: z.string() });
const connected = z.object({ social_account_id: z.string() });
const channelRow = z.object({
  id: z.string(),
  display_name: z.string().nullable(),
  handle: z.string().nullable(),
  follower_count: z.number().nullable(),
});

/** The connected channel. */
export type ConnectedChannel = z.output<typeof channelRow>;

function unescapeHtml(text: string): string {
  return text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Presses "Continue" on the consent page, as a person would, and returns where that leads. */
async function consent(authorizationUrl: string): Promise<string> {
  const page = await fetch(authorizationUrl, { headers: { accept: "text/html" } });
  const html = await page.text();
  const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1];
  if (!page.ok || !action) {
    const reason = /<title>([^<]*)</.exec(html)?.[1] ?? `status ${page.status}`;
    throw new DemoError(`The consent page of the simulated Google could not be used: ${reason}.`);
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
  if (!target) throw new DemoError("The simulated Google did not send the browser back.");
  return target;
}

/** Follows the way back to our site and reads there what its page hands in to connect the channel. */
async function comeBack(callbackUrl: string): Promise<{ code: string; state: string }> {
  const answer = await fetch(callbackUrl, { redirect: "manual" });
  await answer.body?.cancel();
  const page = answer.headers.get("location");
  const query = Object.fromEntries(page ? new URL(page).searchParams : []);
  const handed = handedOver.safeParse(query);
  if (!handed.success) {
    throw new DemoError(
      `The way back from the simulated Google ended with ${query.error ?? answer.status}.`,
    );
  }
  return handed.data;
}

/** The user's YouTube channel, if one is connected and in order. */
export async function connectedChannel(client: SupabaseClient): Promise<ConnectedChannel | null> {
  const { data, error } = await client.from("social_account")
    .select("id, display_name, handle, follower_count")
    .eq("platform_name", "youtube").eq("status", "active").is("deleted_at", null)
    .limit(1);
  if (error) throw new DemoError(`The connected accounts cannot be read: ${error.message}.`);
  return z.array(channelRow).parse(data)[0] ?? null;
}

/** Connects YouTube through the OAuth functions and the consent page. */
export async function connectYouTube(client: SupabaseClient): Promise<ConnectedChannel> {
  const { authorization_url } = await answerOf(
    "oauth-youtube-init",
    client.functions.invoke("oauth-youtube-init", { body: {} }),
    started,
  );
  await answerOf(
    "oauth-youtube-callback",
    client.functions.invoke("oauth-youtube-callback", {
      body: await comeBack(await consent(authorization_url)),
    }),
    connected,
  );
  const channel = await connectedChannel(client);
  if (!channel) throw new DemoError("The channel was connected, but its owner cannot see it.");
  return channel;
}
