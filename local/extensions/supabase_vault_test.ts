import assert from "node:assert/strict";
import { contractDatabase, contractServer, failure, inVain, unless } from "./contract_database.ts";

Deno.test("supabase_vault", async (t) => {
  await using sql = await contractDatabase();
  const plain = `contract-${crypto.randomUUID()}`;

  await t.step(
    "a secret comes back as it went in and is stored as something else",
    () =>
      inVain(sql, async (sql) => {
        const [{ id }] = await sql<[{ id: string }]>`
        select vault.create_secret(${plain}, 'contract name', 'what for') as id`;
        const [row] = await sql`select * from vault.decrypted_secrets where id = ${id}`;
        assert.equal(row?.decrypted_secret, plain);
        assert.equal(row?.name, "contract name");
        assert.equal(row?.description, "what for");
        const [stored] =
          await sql`select s::text as whole, secret from vault.secrets s where id = ${id}`;
        assert(!stored?.whole.includes(plain));
        assert(!atob(stored?.secret).includes(plain));
      }),
  );

  await t.step(
    "equal secrets do not look equal, and none can be moved to another row",
    () =>
      inVain(sql, async (sql) => {
        const ids =
          await sql`select vault.create_secret(${plain}) as id from generate_series(1, 2)`;
        const stored = await sql`
        select secret, nonce from vault.secrets where id in ${sql(ids.map(({ id }) => id))}`;
        assert.notEqual(stored[0]?.secret, stored[1]?.secret);
        const moved = await failure(sql, (sql) =>
          sql`
          select vault._crypto_aead_det_decrypt(
            decode(${stored[0]?.secret}, 'base64'), 'another id'::bytea, 0, nonce => ${
            stored[0]?.nonce
          }
          )`);
        assert.match(moved.message, /invalid ciphertext/);
      }),
  );

  await t.step("update_secret() keeps what is not given", () =>
    inVain(sql, async (sql) => {
      const [{ id }] = await sql<[{ id: string }]>`
        select vault.create_secret(${plain}, 'contract name', 'what for') as id`;
      const now = async () =>
        (await sql`
          select decrypted_secret, name, description from vault.decrypted_secrets
          where id = ${id}`)[0];
      await sql`select vault.update_secret(${id}, new_name => 'contract other')`;
      assert.deepEqual({ ...await now() }, {
        decrypted_secret: plain,
        name: "contract other",
        description: "what for",
      });
      await sql`select vault.update_secret(${id}, 'new')`;
      assert.equal((await now())?.decrypted_secret, "new");
    }));

  await t.step(
    "names are unique, and secrets without a name are not",
    () =>
      inVain(sql, async (sql) => {
        await sql`select vault.create_secret('a'), vault.create_secret('b')`;
        await sql`select vault.create_secret('a', 'contract name')`;
        const error = await failure(
          sql,
          (sql) => sql`select vault.create_secret('b', 'contract name')`,
        );
        assert.equal(error.code, "23505");
      }),
  );

  const { isSuperuser } = await contractServer(sql);
  await unless(t, isSuperuser && "postgres is a superuser of this server")(
    "postgres may read and delete, and never insert or update directly",
    () =>
      inVain(sql, async (sql) => {
        const insert = await failure(
          sql,
          (sql) => sql`insert into vault.secrets (secret) values ('x')`,
        );
        assert.equal(insert.code, "42501");
        const update = await failure(
          sql,
          (sql) => sql`update vault.secrets set secret = 'x' where true`,
        );
        assert.equal(update.code, "42501");
        const [{ id }] = await sql<[{ id: string }]>`select vault.create_secret(${plain}) as id`;
        const deleted = await sql`delete from vault.secrets where id = ${id}`;
        assert.equal(deleted.count, 1);
      }),
  );

  await t.step(
    "service_role reads; anon and authenticated do not get in",
    () =>
      inVain(sql, async (sql) => {
        await sql`select vault.create_secret(${plain}, 'contract name')`;
        await sql`set local role service_role`;
        const [row] = await sql`
        select decrypted_secret from vault.decrypted_secrets where name = 'contract name'`;
        assert.equal(row?.decrypted_secret, plain);
        for (const role of ["anon", "authenticated"]) {
          await sql`set local role ${sql(role)}`;
          const error = await failure(sql, (sql) => sql`select from vault.decrypted_secrets`);
          assert.equal(error.code, "42501");
          const call = await failure(sql, (sql) => sql`select vault.create_secret('x')`);
          assert.equal(call.code, "42501");
        }
        await sql`reset role`;
      }),
  );
});
