import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import { DemoError } from "./demo_error.ts";

/** The account that every run of the demo uses, so that the second run finds the first one's data. */
export const demoAccount = { email: "demo@streamvibe.example", password: "watch-it-live-2026" };

const found = z.object({ messages: z.array(z.object({ ID: z.string() })) });
const opened = z.object({ Text: z.string() });

/** The six-digit code of the newest confirmation mail to this address. */
async function codeFromMail(mailUrl: string, email: string): Promise<string> {
  const query = encodeURIComponent(`to:${email}`);
  for (let look = 0; look < 40; look++) {
    const list = await fetch(`${mailUrl}/api/v1/search?query=${query}`);
    const newest = found.parse(await list.json()).messages[0];
    if (newest) {
      const mail = await fetch(`${mailUrl}/api/v1/message/${newest.ID}`);
      const code = /\b\d{6}\b/.exec(opened.parse(await mail.json()).Text)?.[0];
      if (code) return code;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new DemoError(`No confirmation mail for ${email} arrived at ${mailUrl} within 10 s.`);
}

/** Signs the demo user in, up if there is none yet; says how. */
export async function signIn(client: SupabaseClient, mailUrl: string): Promise<string> {
  const known = await client.auth.signInWithPassword(demoAccount);
  if (known.data.session) return "signed in";
  const { data, error } = await client.auth.signUp(demoAccount);
  if (data.session) return "signed up";
  // 429: a mail went out a moment ago, by a run that did not get further. Its code still works.
  if (error && error.status !== 429) {
    throw new DemoError(`${demoAccount.email} can neither sign in nor sign up: ${error.message}.`);
  }
  const { email } = demoAccount;
  const token = await codeFromMail(mailUrl, email);
  const confirmed = await client.auth.verifyOtp({ email, token, type: "signup" });
  if (confirmed.error) {
    throw new DemoError(
      `The code from the confirmation mail was refused: ${confirmed.error.message}.`,
    );
  }
  return "signed up, address confirmed by the code in the mail";
}
