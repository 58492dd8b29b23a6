/**
 * The project that the contract tests look at: the stack that `STREAMVIBE_STACK` names, or any other
 * server, of which `REALTIME_TARGET` then holds a {@link Target} as JSON.
 */

import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { SignJWT } from "jose";
import postgres from "postgres";
import { readStack } from "../../stack/client.ts";

/** A project to test. */
export interface Target {
  apiUrl: string;
  publishableKey: string;
  secretKey: string;
  jwtSecret: string;
  /** As role postgres. */
  dbUrl: string;
}

async function findTarget(): Promise<Target> {
  const given = Deno.env.get("REALTIME_TARGET");
  if (given) return JSON.parse(given) as Target;
  const stack = await readStack();
  return {
    apiUrl: stack.api_url,
    publishableKey: stack.publishable_key,
    secretKey: stack.secret_key,
    jwtSecret: stack.jwt_secret,
    dbUrl: stack.db_url,
  };
}

/** One test's clients and database, cleaned up at its end. */
export class Project implements AsyncDisposable {
  readonly #clients: SupabaseClient[] = [];
  readonly #sessions = new WeakMap<SupabaseClient, { token: string }>();
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  constructor(readonly target: Target, readonly sql: postgres.Sql) {}

  static async open(): Promise<Project> {
    const target = await findTarget();
    return new Project(target, postgres(target.dbUrl, { max: 2, onnotice: () => {} }));
  }

  /** A client; with a user's token, or with only a project key. */
  async client(
    { token, key, vsn }: { token?: string; key?: string; vsn?: "1.0.0" | "2.0.0" } = {},
  ): Promise<SupabaseClient> {
    const apiKey = key ?? this.target.publishableKey;
    const session = { token: token ?? apiKey };
    const client: SupabaseClient = createClient(this.target.apiUrl, apiKey, {
      // Asked after every join: a token that is only set by hand would be forgotten then.
      accessToken: () => Promise.resolve(session.token),
      realtime: { vsn },
    });
    this.#clients.push(client);
    this.#sessions.set(client, session);
    await client.realtime.setAuth();
    return client;
  }

  /** Gives a client another token, as a refreshed session does. */
  async useToken(client: SupabaseClient, token: string): Promise<void> {
    const session = this.#sessions.get(client);
    if (session) session.token = token;
    await client.realtime.setAuth();
  }

  /** An access token, as the Auth server issues it. */
  token(
    sub: string,
    { role = "authenticated", seconds = 3600, claims = {} }: {
      role?: string;
      seconds?: number;
      claims?: Record<string, unknown>;
    } = {},
  ): Promise<string> {
    return new SignJWT({ role, aud: "authenticated", ...claims })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setSubject(sub)
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
      .sign(new TextEncoder().encode(this.target.jwtSecret));
  }

  /** Runs `statement` now and `undo` when the test ends. */
  async during(statement: string, undo: string): Promise<void> {
    this.#cleanups.unshift(() => this.sql.unsafe(undo));
    await this.sql.unsafe(statement);
  }

  /**
   * Lets a user (the last part of the topic) receive, and if `send` also send, on the private
   * topics `<prefix>:<user>`; returns the prefix.
   */
  async ownTopics({ send = false } = {}): Promise<string> {
    const prefix = `contract-${crypto.randomUUID().slice(0, 8)}`;
    const mine = `(select realtime.topic()) = '${prefix}:' ||
      (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')`;
    await this.during(
      `create policy "${prefix}_read" on realtime.messages for select to authenticated using (${mine})`,
      `drop policy "${prefix}_read" on realtime.messages`,
    );
    if (send) {
      await this.during(
        `create policy "${prefix}_send" on realtime.messages for insert to authenticated
          with check (${mine})`,
        `drop policy "${prefix}_send" on realtime.messages`,
      );
    }
    return prefix;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map(async (client) => {
      await client.removeAllChannels();
      await client.realtime.disconnect();
    }));
    for (const cleanup of this.#cleanups) await cleanup();
    await this.sql.end();
  }
}
