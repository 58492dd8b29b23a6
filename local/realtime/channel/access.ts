import type { Authorizer, Identity, Permission } from "../authorization.ts";
import type { Topic } from "../hub.ts";
import { limits } from "../limits.ts";
import { type Claims, expired, type Tokens } from "../tokens.ts";
import { ChannelError, unreadable } from "./error.ts";

/** Checks tokens and policies. */
export interface AccessServices {
  tokens: Pick<Tokens, "verify">;
  authorizer: Pick<Authorizer, "canRead" | "canWrite">;
}

/** Who uses a channel, until when, and what the policies let it do. */
export class Access {
  readonly #services: AccessServices;
  readonly #topic: Topic;
  readonly #onExpired: (error: ChannelError) => void;
  #identity: Identity;
  #token: string | null = null;
  /** Null while the policies have not been asked; always null on public channels. */
  #readable: Permission | null = null;
  #writable: Permission | null = null;
  #presenceAsked = false;
  #timer?: ReturnType<typeof setTimeout>;

  constructor(
    services: AccessServices,
    topic: Topic,
    connection: Identity,
    onExpired: (error: ChannelError) => void,
  ) {
    this.#services = services;
    this.#topic = topic;
    this.#identity = connection;
    this.#onExpired = onExpired;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Uses a token (or, with null, the key of the connection) and asks the policies anew. */
  async use(token: string | null, presence: boolean): Promise<void> {
    const claims = token === null
      ? this.#identity.claims
      : await this.#services.tokens.verify(token);
    const before = this.#readable;
    this.#token = token;
    this.#identity = { ...this.#identity, claims };
    this.#writable = null;
    this.#checkLater(claims);
    if (!this.#topic.private) return;
    this.#presenceAsked = presence;
    const after = await this.#services.authorizer
      .canRead(this.#identity, this.#topic.name, presence);
    this.#readable = after;
    if (!after.broadcast && !after.presence) throw unreadable(this.#topic.name);
    if ((before?.broadcast && !after.broadcast) || (before?.presence && !after.presence)) {
      throw new ChannelError(
        "Unauthorized",
        `You no longer have permission to read from this Channel topic: ${this.#topic.name}`,
      );
    }
  }

  /** Is this the token in use, or nothing that could replace it? */
  isKnown(token: unknown): boolean {
    return typeof token !== "string" || token === this.#token || token.startsWith("sb_");
  }

  /** May it receive this kind of message? */
  receives(kind: keyof Permission): boolean {
    return !this.#topic.private || this.#readable?.[kind] === true;
  }

  /** May it send this kind of message? The policies are asked at the first one. */
  async sends(kind: keyof Permission): Promise<boolean> {
    if (!this.#topic.private) return true;
    this.#writable ??= await this.#services.authorizer.canWrite(this.#identity, this.#topic.name);
    return this.#writable[kind];
  }

  /** Asks whether presence may be received, if the join did not. */
  async askForPresence(): Promise<void> {
    if (!this.#topic.private || this.#presenceAsked) return;
    this.#presenceAsked = true;
    this.#readable = await this.#services.authorizer.canRead(
      this.#identity,
      this.#topic.name,
      true,
    );
  }

  /** Stops watching the token. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #checkLater({ exp }: Claims): void {
    clearTimeout(this.#timer);
    const left = exp * 1000 - Date.now();
    this.#timer = setTimeout(() => {
      if (exp * 1000 > Date.now()) return this.#checkLater(this.#identity.claims);
      const { code, message } = expired(exp);
      this.#onExpired(new ChannelError(code, message));
    }, Math.max(0, Math.min(left, limits.tokenCheckMs)));
  }
}
