import type { SupabaseClient } from "@supabase/supabase-js";
import { codeFromMail } from "../mailbox/code_from_mail.ts";
import { DemoError } from "./demo_error.ts";

/** The account that every run of the demo uses, so that the second run finds the first one's data. */
export const demoAccount = { email: "demo@streamvibe.example", password: "Watch-it-live-2026" };

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
  const token = await codeFromMail(mailUrl, email).catch((error: Error) => {
    throw new DemoError(error.message);
  });
  const confirmed = await client.auth.verifyOtp({ email, token, type: "signup" });
  if (confirmed.error) {
    throw new DemoError(
      `The code from the confirmation mail was refused: ${confirmed.error.message}.`,
    );
  }
  return "signed up, address confirmed by the code in the mail";
}
