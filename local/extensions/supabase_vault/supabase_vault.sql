-- Stand-in for supabase_vault. Secrets are encrypted before they reach a row, so neither a table,
-- the write-ahead log nor a dump holds one in clear. The root key is a file in the server's data
-- directory (mode 0700, superuser only), made here when absent: like the real extension's
-- root key file, it is in no table and in no dump. AES-256-CBC then HMAC-SHA-256, bound to the
-- row's id, so a ciphertext moved to another row is refused, as the real AEAD refuses it.

-- CREATE EXTENSION gives a schema it makes to the caller; the real vault is never the caller's.
alter schema vault owner to current_user;

do $$
declare
  file text := current_setting('data_directory') || '/supabase_vault_root.key';
begin
  if (pg_stat_file(file, true)).size is null then
    execute format(
      'copy (select encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), ''hex'')) to %L',
      file
    );
  end if;
end;
$$;

create function vault._stand_in_key(p_purpose text) returns bytea
language sql stable security definer set search_path = '' as $$
  select @extschema:pgcrypto@.hmac(
    pg_catalog.convert_to(p_purpose, 'UTF8'),
    pg_catalog.decode(
      pg_catalog.rtrim(pg_catalog.pg_read_file('supabase_vault_root.key'), E'\n'), 'hex'
    ),
    'sha256'
  );
$$;

create function vault._crypto_aead_det_noncegen() returns bytea
language sql volatile set search_path = '' as $$
  select @extschema:pgcrypto@.gen_random_bytes(16);
$$;

create function vault._crypto_aead_det_encrypt(
  message bytea,
  additional bytea,
  key_id bigint,
  context bytea default 'pgsodium',
  nonce bytea default null
) returns bytea
language plpgsql stable security definer set search_path = '' as $$
declare
  sealed bytea := @extschema:pgcrypto@.encrypt_iv(
    message, vault._stand_in_key('encrypt'), nonce, 'aes-cbc/pad:pkcs'
  );
begin
  return sealed
    || @extschema:pgcrypto@.hmac(additional || nonce || sealed, vault._stand_in_key('sign'), 'sha256');
end;
$$;

create function vault._crypto_aead_det_decrypt(
  message bytea,
  additional bytea,
  key_id bigint,
  context bytea default 'pgsodium',
  nonce bytea default null
) returns bytea
language plpgsql stable security definer set search_path = '' as $$
declare
  sealed bytea := pg_catalog.substr(message, 1, greatest(pg_catalog.length(message) - 32, 0));
begin
  if sealed || @extschema:pgcrypto@.hmac(additional || nonce || sealed, vault._stand_in_key('sign'), 'sha256')
    is distinct from message then
    raise exception using
      errcode = '22000',
      message = 'pgsodium_crypto_aead_det_decrypt_by_id: invalid ciphertext';
  end if;
  return @extschema:pgcrypto@.decrypt_iv(
    sealed, vault._stand_in_key('encrypt'), nonce, 'aes-cbc/pad:pkcs'
  );
end;
$$;

create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea default vault._crypto_aead_det_noncegen(),
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
comment on table vault.secrets is
  'Table with encrypted `secret` column for storing sensitive information on disk.';

create unique index on vault.secrets (name) where name is not null;

create view vault.decrypted_secrets as
select
  s.id,
  s.name,
  s.description,
  s.secret,
  convert_from(
    vault._crypto_aead_det_decrypt(
      message := decode(s.secret, 'base64'),
      additional := convert_to(s.id::text, 'utf8'),
      key_id := 0,
      context := 'pgsodium'::bytea,
      nonce := s.nonce
    ),
    'utf8'
  ) as decrypted_secret,
  s.key_id,
  s.nonce,
  s.created_at,
  s.updated_at
from vault.secrets s;

create function vault.create_secret(
  new_secret text,
  new_name text default null,
  new_description text default '',
  new_key_id uuid default null
) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  new_id uuid := pg_catalog.gen_random_uuid();
  new_nonce bytea := vault._crypto_aead_det_noncegen();
begin
  insert into vault.secrets (id, name, description, nonce, secret)
  values (
    new_id, new_name, new_description, new_nonce,
    pg_catalog.encode(
      vault._crypto_aead_det_encrypt(
        message := pg_catalog.convert_to(new_secret, 'utf8'),
        additional := pg_catalog.convert_to(new_id::text, 'utf8'),
        key_id := 0,
        nonce := new_nonce
      ), 'base64')
  );
  return new_id;
end;
$$;

create function vault.update_secret(
  secret_id uuid,
  new_secret text default null,
  new_name text default null,
  new_description text default null,
  new_key_id uuid default null
) returns void
language plpgsql security definer set search_path = '' as $$
declare
  -- CBC, unlike the real cipher, must not reuse a nonce for another text.
  new_nonce bytea := vault._crypto_aead_det_noncegen();
begin
  update vault.secrets s
  set
    secret = case when new_secret is null then s.secret else pg_catalog.encode(
      vault._crypto_aead_det_encrypt(
        message := pg_catalog.convert_to(new_secret, 'utf8'),
        additional := pg_catalog.convert_to(s.id::text, 'utf8'),
        key_id := 0,
        nonce := new_nonce
      ), 'base64') end,
    nonce = case when new_secret is null then s.nonce else new_nonce end,
    name = coalesce(new_name, s.name),
    description = coalesce(new_description, s.description),
    updated_at = pg_catalog.now()
  where s.id = secret_id;
end;
$$;

revoke all on all functions in schema vault from public;

-- What the hosted platform grants after CREATE EXTENSION: read and delete, never insert or update.
do $$
declare
  role_name name;
begin
  for role_name in select rolname from pg_roles where rolname in ('postgres', 'service_role') loop
    execute format('grant usage on schema vault to %I', role_name);
    execute format('grant select, delete on vault.secrets, vault.decrypted_secrets to %I', role_name);
    execute format(
      'grant execute on function vault.create_secret(text, text, text, uuid),
        vault.update_secret(uuid, text, text, text, uuid),
        vault._crypto_aead_det_decrypt(bytea, bytea, bigint, bytea, bytea) to %I',
      role_name
    );
  end loop;
end;
$$;

select pg_catalog.pg_extension_config_dump('vault.secrets', '');
