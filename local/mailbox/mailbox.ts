/** A sender or receiver, as Mailpit writes one. */
export interface Address {
  readonly Name: string;
  readonly Address: string;
}

/** One kept message, as `GET /api/v1/message/{ID}` shows it. */
export interface Message {
  readonly ID: string;
  readonly MessageID: string;
  readonly From: Address;
  readonly To: readonly Address[];
  readonly Cc: readonly Address[];
  readonly Bcc: readonly Address[];
  readonly ReplyTo: readonly Address[];
  readonly Subject: string;
  readonly Date: string;
  readonly Text: string;
  readonly HTML: string;
  readonly Size: number;
  readonly Tags: readonly string[];
  readonly Inline: readonly never[];
  readonly Attachments: readonly never[];
}

/** What a message is made of when it comes in. */
export type Draft = Pick<Message, "From" | "To" | "Subject" | "Text" | "HTML">;

/** Mailpit keeps 500 by default; old ones go first. */
const longest = 500;

/** The messages of one stack, newest first, in memory. */
export class Mailbox {
  #messages: Message[] = [];
  #read = new Set<string>();

  /** Keeps a message; answers with its ID. */
  add(draft: Draft, now = new Date()): string {
    const ID = crypto.randomUUID().replaceAll("-", "").slice(0, 22);
    const message: Message = {
      ...draft,
      ID,
      MessageID: `${ID}@mailbox.local`,
      Cc: [],
      Bcc: [],
      ReplyTo: [],
      Date: now.toISOString(),
      Size: new TextEncoder().encode(draft.Text + draft.HTML).length,
      Tags: [],
      Inline: [],
      Attachments: [],
    };
    this.#messages = [message, ...this.#messages].slice(0, longest);
    return ID;
  }

  /** A message by ID, or the newest for `latest`; reading it marks it as read. */
  open(id: string): Message | null {
    const message = id === "latest"
      ? this.#messages[0]
      : this.#messages.find(({ ID }) => ID === id);
    if (message) this.#read.add(message.ID);
    return message ?? null;
  }

  /** Removes the named messages, or all. */
  remove(ids?: readonly string[]): void {
    this.#messages = ids ? this.#messages.filter(({ ID }) => !ids.includes(ID)) : [];
  }

  /** A page of those that match a query such as `to:ada@example.com subject:"Confirm"`. */
  list(query = "", start = 0, limit = 50): Record<string, unknown> {
    const found = this.#messages.filter((message) => matches(message, query));
    return {
      total: this.#messages.length,
      unread: this.#messages.filter(({ ID }) => !this.#read.has(ID)).length,
      messages_count: found.length,
      start,
      tags: [],
      messages: found.slice(start, start + limit).map((message) => this.#summary(message)),
    };
  }

  #summary({ Text, HTML: _html, Date: created, Inline: _inline, ...rest }: Message) {
    return {
      ...rest,
      Created: created,
      Read: this.#read.has(rest.ID),
      Attachments: 0,
      Snippet: Text.replace(/\s+/g, " ").trim().slice(0, 250),
    };
  }
}

/** Mailpit's search, as far as tests use it: to:, from:, subject: and plain words. */
function matches(message: Message, query: string): boolean {
  const terms = [...query.matchAll(/(?:(to|from|subject):)?(?:"([^"]*)"|(\S+))/gi)];
  return terms.every(([, field, quoted, plain]) => {
    const wanted = (quoted ?? plain ?? "").toLowerCase();
    const people = (list: readonly Address[]) =>
      list.map(({ Name, Address }) => `${Name} ${Address}`).join(" ");
    const searched: Record<string, string> = {
      to: people(message.To),
      from: people([message.From]),
      subject: message.Subject,
    };
    const text = field
      ? searched[field.toLowerCase()] ?? ""
      : Object.values(searched).join(" ") + message.Text;
    return text.toLowerCase().includes(wanted);
  });
}
