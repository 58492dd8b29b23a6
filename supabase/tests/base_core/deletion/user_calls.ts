/** What is done to a profile and what comes with it. */
import { type Call } from "./race.ts";

const cycleEnded: Call["before"] = ({ sql, user }) =>
  sql`
    update public.subscription
    set cycle_start = now() - interval '2 months', cycle_end = now() - interval '1 month', syncs_used = 1000
    where user_id = ${user}`;

export const userCalls: Record<string, Call> = {
  "complete_profile()": {
    run: (sql, { user }) =>
      sql`select * from public.complete_profile(${user}, 'A name', null, null, null, null)`,
  },
  "a change of the settings": {
    run: (sql, { user }) =>
      sql`update public.user_setting set locale = 'de' where user_id = ${user}`,
  },
  "a change of the settings that moves their accounts": {
    run: (sql, { user }) =>
      sql`update public.user_setting set auto_sync_interval = '3 hours' where user_id = ${user}`,
  },
  "grant_role()": {
    run: (sql, { user }) => sql`select public.grant_role(${user}, 'moderator')`,
  },
  "revoke_role()": {
    before: ({ sql, user }) => sql`select public.grant_role(${user}, 'moderator')`,
    run: (sql, { user }) => sql`select public.revoke_role(${user}, 'moderator')`,
  },
  "a change of the tier": {
    run: (sql, { user }) =>
      sql`update public.subscription set tier = 'basic' where user_id = ${user}`,
  },
  "consume_quota()": {
    run: (sql, { user }) => sql`select public.consume_quota(${user}, 'syncs')`,
  },
  "consume_quota(), in a new cycle": {
    before: cycleEnded,
    run: (sql, { user }) => sql`select public.consume_quota(${user}, 'syncs')`,
  },
  "increment_quota(), in a new cycle": {
    before: cycleEnded,
    run: (sql, { user }) => sql`select public.increment_quota(${user}, 'syncs')`,
  },
  "decrement_quota()": {
    run: (sql, { user }) => sql`select public.decrement_quota(${user}, 'syncs')`,
  },
  "reset_quotas()": {
    before: cycleEnded,
    run: (sql) => sql`select private.reset_quotas()`,
  },
  "notify()": {
    run: (sql, { user }) => sql`select private.notify(${user}, 'told', 'Told', 'Told again.')`,
  },
  "a notification that is read": {
    run: (sql, { user }) =>
      sql`update public.notification set read_at = now() where user_id = ${user}`,
  },
  "cleanup_notifications()": {
    before: ({ sql, user }) =>
      sql`update public.notification set created_at = now() - interval '100 days' where user_id = ${user}`,
    run: (sql) => sql`select private.cleanup_notifications()`,
  },
};
