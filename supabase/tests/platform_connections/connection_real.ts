/** The database's side of the property test of connections. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import type { ConnectionModel, ModelAccount } from "./connection_model.ts";

/** What happens to an account; `age` is how old the tokens are that a worker comes with. */
export interface Step {
  act: "connect" | "claim" | "store" | "revoke" | "disconnect";
  account: number;
  age: number;
}

/** The same accounts in the database. */
export class Real {
  constructor(
    private readonly sql: postgres.Sql,
    private readonly users: readonly string[],
    private readonly run: string,
  ) {}

  channelOf({ channel }: ModelAccount): string {
    return `UC_${this.run}_${channel}`;
  }

  connect(account: ModelAccount) {
    const { sql } = this;
    return sql`
      select public.connect_platform_account(${this.users[account.user]!}, 'youtube',
        ${sql.json({ platform_account_id: this.channelOf(account) })},
        ${sql.json({ access_token: `at-${account.version + 1}`, refresh_token: "rt" })},
        '{read}', now() + interval '1 hour')`.then(
      () => null,
      (error: postgres.PostgresError) => error.hint ?? error.message,
    );
  }

  /** What a function answers that is told the connection or the account. */
  async ask(account: ModelAccount, call: (row: Ids) => postgres.Fragment) {
    const [ids] = await this.sql<Ids[]>`
      select account.id as account_id, account.connection_id from public.social_account as account
      where account.user_id = ${this.users[account.user]!} and platform_account_id = ${
      this.channelOf(account)
    }`;
    const none = { account_id: crypto.randomUUID(), connection_id: crypto.randomUUID() };
    const [row] = await this.sql`select ${call(ids ?? none)} as answer`;
    return row!.answer;
  }

  /** Everything that can be seen of an account, in the words of the model. */
  async look(account: ModelAccount) {
    const [row] = await this.sql`
      select account.deleted_at is not null as is_deleted, account.status, account.next_sync_at is not null as is_due,
        connection.status as connection, connection.token_version as version,
        (select count(*)::int from vault.secrets where name = connection.vault_secret_name) as secrets,
        private_lease.holder is not null as is_leased
      from public.social_account as account
      join public.platform_connection as connection on connection.id = account.connection_id
      left join private.token_lease as private_lease on private_lease.connection_id = connection.id
      where account.user_id = ${this.users[account.user]!} and platform_account_id = ${
      this.channelOf(account)
    }`;
    return row;
  }

  async told({ user }: ModelAccount) {
    const [row] = await this.sql`
      select
        (select count(*)::int from public.notification
          where user_id = ${this.users[user]!} and kind = 'connection_revoked') as notified,
        count(*) filter (where action = 'connection.revoked')::int as revocations,
        count(*) filter (where action = 'account.disconnected')::int as removals
      from public.audit_log where user_id = ${this.users[user]!}`;
    return { ...row };
  }

  async act(model: ConnectionModel, { act, account: n, age }: Step): Promise<void> {
    const account = model.accounts[n]!;
    const version = Math.max(1, account.version - age);
    const { sql } = this;
    if (act === "connect") {
      const answer = await this.connect(account);
      assert.equal(answer, model.connect(account));
    } else if (act === "claim") {
      const answer = await this.ask(
        account,
        ({ connection_id }) =>
          sql`public.claim_token_lease(${connection_id}, ${version}, ${crypto.randomUUID()})`,
      );
      assert.equal(answer, model.claim(account, version));
    } else if (act === "store") {
      const answer = await this.ask(
        account,
        ({ connection_id }) =>
          sql`public.store_refreshed_tokens(${connection_id}, ${version}, 'at', null, now())`,
      );
      assert.equal(answer, model.store(account, version));
    } else if (act === "revoke") {
      await this.ask(
        account,
        ({ connection_id }) =>
          sql`public.mark_connection_revoked(${connection_id}, 'invalid_grant', ${version})`,
      );
      model.revoke(account, version);
    } else {
      const answer = await this.ask(
        account,
        ({ account_id }) =>
          sql`public.disconnect_account(${this.users[account.user]!}, ${account_id}, ${version})`,
      )
        .catch((error: postgres.PostgresError) => {
          assert.equal(error.hint, "SOCIAL_ACCOUNT_NOT_FOUND");
          return null;
        });
      assert.equal(answer, model.disconnect(account, version));
    }
  }
}

interface Ids {
  account_id: string;
  connection_id: string;
}

/** How an account looks in the database when the model is right. */
export function picture({ state, version, isLeased }: ModelAccount) {
  if (state === "none") return undefined;
  const isActive = state === "active";
  const status = isActive ? "active" : "disconnected";
  return {
    is_deleted: state === "removed",
    status,
    is_due: isActive,
    connection: status,
    version,
    secrets: isActive ? 1 : 0,
    is_leased: isLeased,
  };
}
