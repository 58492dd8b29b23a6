/** What is done to connections and their accounts. */
import { type Call } from "./race.ts";
import { TOKEN } from "./doomed_user.ts";

export const connectionCalls: Record<string, Call> = {
  "a change of when an account is synced": {
    run: (sql, { account }) =>
      sql`update public.social_account set sync_interval = '3 hours' where id = ${account}`,
  },
  "mark_connection_revoked()": {
    run: (sql, { connection }) => sql`select public.mark_connection_revoked(${connection}, 'gone')`,
  },
  "store_refreshed_tokens()": {
    run: (sql, { connection }) =>
      sql`select public.store_refreshed_tokens(${connection}, 1, 'at', 'rt-2', now() + interval '1 hour')`,
  },
  "claim_token_lease()": {
    run: (sql, { connection }) =>
      sql`select public.claim_token_lease(${connection}, 1, gen_random_uuid())`,
  },
  "release_token_lease()": {
    before: ({ sql, connection, user }) =>
      sql`select public.claim_token_lease(${connection}, 1, ${user})`,
    run: (sql, { connection, user }) =>
      sql`select public.release_token_lease(${connection}, ${user})`,
  },
  "disconnect_account()": {
    run: (sql, { user, account }) =>
      sql`select public.disconnect_account(${user}, ${account}, 1, true)`,
  },
  "connect_platform_account(), of a known account": {
    run: (sql, { user }) =>
      sql`
        select public.connect_platform_account(${user}, 'youtube',
          ${sql.json({ platform_account_id: `UC_${user}`, follower_count: 6 })},
          '{"access_token": "at"}', '{}', now() + interval '1 hour')`,
  },
  "connect_platform_account(), of a new account": {
    run: (sql, { user }) =>
      sql`
        select public.connect_platform_account(${user}, 'instagram',
          ${sql.json({ platform_account_id: `IG_${user}`, follower_count: 6 })},
          '{"access_token": "at"}', '{}', now() + interval '1 hour')`,
  },
  "update_account_facts()": {
    run: (sql, { held, account }) =>
      sql`select public.update_account_facts(${held}, ${TOKEN}, ${account}, '{"follower_count": 7}')`,
  },
  "update_total_followers()": {
    run: (sql, { user }) => sql`select public.update_total_followers(${user})`,
  },
  "a change of an account by its owner": {
    run: (sql, { account }) =>
      sql`update public.social_account set sync_mode = 'manual' where id = ${account}`,
  },
  "the deletion of a connection": {
    run: (sql, { connection }) =>
      sql`delete from public.platform_connection where id = ${connection}`,
  },
  "create_oauth_state()": {
    run: (sql, { user, state }) =>
      sql`select public.create_oauth_state(${user}, 'youtube', ${`${state}2`}, 'v', 'https://a.example')`,
  },
  "consume_oauth_state()": {
    run: (sql, { user, state }) =>
      sql`select * from public.consume_oauth_state(${user}, 'youtube', ${state}, 'https://a.example')`,
  },
  "cleanup_oauth_states()": {
    before: ({ sql, user }) =>
      sql`update private.oauth_state set expires_at = now() - interval '2 days' where user_id = ${user}`,
    run: (sql) => sql`select private.cleanup_oauth_states()`,
  },
  "enqueue_token_refreshes()": {
    run: (sql) => sql`select public.enqueue_token_refreshes()`,
  },
};
