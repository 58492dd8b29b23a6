import type { EmailDriver, EmailMessage } from "@supabase/lite";

/** Where mail goes and how its links are to be built. */
export interface MailRoute {
  readonly mailUrl: string;
  readonly apiUrl: string;
  readonly siteUrl: string;
}

/** Hands Auth's mail to the mailbox by the send call of Mailpit's API. */
export function mailboxDriver(route: MailRoute): EmailDriver {
  return {
    async send(message: EmailMessage): Promise<void> {
      const response = await fetch(`${route.mailUrl}/api/v1/send`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          From: { Email: "admin@email.com", Name: "Admin" },
          To: [{ Email: message.to }],
          Subject: message.subject,
          Text: withApiLinks(message.text ?? "", route),
          HTML: withApiLinks(message.html ?? "", route),
        }),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`The mailbox answered ${response.status}.`);
    },
  };
}

/** lite points verification links at the site; hosted and the CLI point them at the API. */
function withApiLinks(text: string, { apiUrl, siteUrl }: MailRoute): string {
  return text.replaceAll(`${siteUrl.replace(/\/$/, "")}/auth/v1/`, `${apiUrl}/auth/v1/`);
}
