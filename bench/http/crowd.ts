import { SignJWT } from "jose";
import type { Sql } from "postgres";
import type { StackInfo } from "../../local/stack/info.ts";

/** A signed-in user with a connected YouTube channel. */
export interface Creator {
  readonly id: string;
  /** As the auth server issues it: signed by the stack's own key. */
  readonly token: string;
}

/**
 * Many users at once, since each may have ten active jobs and one sync of a channel. Written where
 * sign-up and the OAuth functions write them; those are not what is measured.
 */
export class Crowd {
  #next = 0;

  private constructor(private readonly creators: readonly Creator[]) {}

  /** Adds so many users to the stack. */
  static async gather(sql: Sql, stack: StackInfo, size: number): Promise<Crowd> {
    const ids = Array.from({ length: size }, () => crypto.randomUUID());
    await sql.begin(async (tx) => {
      await tx`
        insert into auth.users (id, email, raw_user_meta_data)
        select id, id || '@bench.test', '{}' from unnest(${ids}::uuid[]) as id`;
      await tx`
        with connection as (
          insert into public.platform_connection (user_id, platform_name, vault_secret_name)
          select id, 'youtube', 'bench-' || id from unnest(${ids}::uuid[]) as id
          returning id, user_id
        )
        insert into public.social_account (user_id, connection_id, platform_name, platform_account_id)
        select user_id, id, 'youtube', 'channel-' || user_id from connection`;
    });
    await sql`analyze auth.users, public.users, public.platform_connection, public.social_account`;
    const key = new TextEncoder().encode(stack.jwt_secret);
    const creators = ids.map(async (id) => ({ id, token: await userToken(id, key) }));
    return new Crowd(await Promise.all(creators));
  }

  /** The next user who has done nothing yet. */
  take(): Creator {
    const creator = this.creators[this.#next++];
    if (!creator) throw new Error(`All ${this.creators.length} users have been taken.`);
    return creator;
  }
}

function userToken(id: string, key: Uint8Array): Promise<string> {
  return new SignJWT({ role: "authenticated", aud: "authenticated", sub: id })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(key);
}
