import assert from "node:assert/strict";
import postgres from "postgres";
import { filesWith, rowsWith } from "../../../local/gate/search.ts";
import { readStack } from "../../../local/stack/client.ts";
import { waitUntil } from "../../../local/stack/process.ts";
import { Journey, type Platform } from "./journey.ts";

/** The call by which a grant is ended, as the simulator counts it; null where only the creator can. */
const revocations: Record<Platform, RegExp | null> = {
  youtube: /^POST \/google\/revoke$/,
  instagram: null,
  tiktok: /^POST \/tiktok\/v2\/oauth\/revoke\/$/,
  facebook: /^DELETE \/facebook\/v26\.0\/\d+\/permissions$/,
};

/** How often the platform was told to end what this account has allowed. */
async function revocationsOf({ stack, account, platform }: Journey): Promise<number> {
  const query = new URLSearchParams({ account });
  const answer = await fetch(`${stack.providers_url}/_admin/calls?${query}`);
  const { calls } = await answer.json() as { calls: Record<string, number> };
  return Object.entries(calls)
    .filter(([call]) => revocations[platform]?.test(call))
    .reduce((sum, [, count]) => sum + count, 0);
}

for (const platform of Object.keys(revocations) as Platform[]) {
  const canBeRevoked = revocations[platform] !== null;
  Deno.test(`the tokens of a deleted user go, revoked at ${platform}: ${canBeRevoked}`, async () => {
    const stack = await readStack();
    await using journey = await Journey.begin(stack, platform);
    await journey.connect();
    const sql = postgres(stack.admin_db_url, { max: 1 });
    const [connection] = await sql<{ id: string }[]>`
      select id from public.platform_connection where user_id = ${journey.creator.id}`;
    const id = connection!.id;
    const outcome = async () => {
      const [job] = await sql<{ outcome: string | null }[]>`
        select result ->> 'outcome' as outcome from public.job_queue
        where job_type = 'grant_revoke' and params ->> 'connection_id' = ${id}`;
      return job?.outcome ?? null;
    };
    const stored = () =>
      sql`
        select name from vault.secrets where name like ${`%${id}%`}
        union all select vault_secret_name from private.orphaned_grant where connection_id = ${id}`;
    assert.equal((await stored()).length, 1);

    await sql`delete from auth.users where id = ${journey.creator.id}`;

    assert(await waitUntil(async () => await outcome() !== null, 30_000, 100), "no job ended it");
    assert.equal(await outcome(), canBeRevoked ? "revoked" : "not_supported");
    assert.equal(await revocationsOf(journey), canBeRevoked ? 1 : 0);
    assert.deepEqual([...await stored()], []);
    await sql.end();

    const secrets = [...journey.secrets];
    assert.deepEqual(await rowsWith(stack.admin_db_url, secrets), []);
    assert.deepEqual(await filesWith(`${stack.state_dir}/logs`, secrets), []);
  });
}
