import { z } from "zod";

const found = z.object({ messages: z.array(z.object({ ID: z.string() })) });
const opened = z.object({ Text: z.string() });

/**
 * The six-digit code of the newest mail to this address. Mail arrives a moment after the request
 * that caused it, so this looks again for up to ten seconds.
 *
 * @param mailUrl A mail catcher with Mailpit's API: ours, or that of `supabase start`.
 */
export async function codeFromMail(mailUrl: string, email: string): Promise<string> {
  const query = encodeURIComponent(`to:${email}`);
  for (let look = 0; look < 100; look++) {
    const list = await fetch(`${mailUrl}/api/v1/search?query=${query}`);
    const newest = found.parse(await list.json()).messages[0];
    if (newest) {
      const mail = await fetch(`${mailUrl}/api/v1/message/${newest.ID}`);
      const code = /\b\d{6}\b/.exec(opened.parse(await mail.json()).Text)?.[0];
      if (code) return code;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`No mail with a code for ${email} arrived at ${mailUrl} within 10 s.`);
}
