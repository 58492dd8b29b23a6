-- A cache for the functions: answers that are expensive to ask for and may be lost at any time.

-- Unlogged: after a crash it is empty, which a cache may be. Keys in the C order, so that a prefix is a
-- range of the primary key.
create unlogged table private.cache_store (
  key text collate "C" primary key,
  value jsonb not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  constraint cache_store_key_is_short check (char_length(key) between 1 and 512),
  constraint cache_store_value_is_small check (octet_length(value::text) <= 1048576)
);
comment on table private.cache_store is 'Key, value, and until when it may be used. The service''s own, by three functions.';

-- Serves cleanup_cache_store.
create index cache_store_expires_at_idx on private.cache_store (expires_at);

alter table private.cache_store enable row level security;
revoke all on table private.cache_store from public, anon, authenticated, service_role;

create function private.get_cached(p_key text)
returns jsonb
language sql stable security definer set search_path = ''
as $$
  select value from private.cache_store where key = p_key and expires_at > now();
$$;
comment on function private.get_cached(text) is 'What is cached under a key. Lends the right to read the cache.';

create function private.set_cached(p_key text, p_value jsonb, p_ttl interval)
returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if coalesce(p_key, '') = '' or p_value is null or p_ttl is null or p_ttl <= interval '0' then
    perform private.raise_error('VALIDATION_ERROR', null, 'A key, a value and a time to keep it are needed.');
  end if;
  insert into private.cache_store as stored (key, value, expires_at)
  values (p_key, p_value, now() + p_ttl)
  on conflict (key) do update
    set value = excluded.value, expires_at = excluded.expires_at, created_at = excluded.created_at;
end;
$$;
comment on function private.set_cached(text, jsonb, interval) is
  'Caches a value for a time, in place of what was there. Lends the right to write the cache.';

create function private.delete_cached(p_prefix text)
returns bigint
language sql volatile security definer set search_path = ''
as $$
  with gone as (
    delete from private.cache_store
    -- The range is what the index serves, whatever the prefix; the operator is what is meant.
    where key >= p_prefix and key <= p_prefix || repeat(chr(1114111), 512) and key ^@ p_prefix
    returning 1
  )
  select count(*) from gone;
$$;
comment on function private.delete_cached(text) is
  'Drops every key that begins so; returns how many. Lends the right to delete from the cache.';

create function public.get_cached(p_key text)
returns jsonb
language sql stable set search_path = ''
as $$
  select private.get_cached(p_key);
$$;
comment on function public.get_cached(text) is 'Service only. What is cached under a key; null when nothing is, or no longer.';

create function public.set_cached(p_key text, p_value jsonb, p_ttl interval)
returns void
language sql volatile set search_path = ''
as $$
  select private.set_cached(p_key, p_value, p_ttl);
$$;
comment on function public.set_cached(text, jsonb, interval) is 'Service only. Caches a value for a time.';

create function public.delete_cached(p_prefix text)
returns bigint
language sql volatile set search_path = ''
as $$
  select private.delete_cached(p_prefix);
$$;
comment on function public.delete_cached(text) is 'Service only. Drops every key that begins with this text; returns how many.';

create function private.cleanup_cache_store()
returns bigint
language sql volatile set search_path = ''
as $$
  with gone as (
    delete from private.cache_store where expires_at <= now() returning 1
  )
  select count(*) from gone;
$$;
comment on function private.cleanup_cache_store() is 'Hourly: drops what may no longer be used; returns how many.';

revoke all on function
  private.get_cached(text), private.set_cached(text, jsonb, interval), private.delete_cached(text),
  public.get_cached(text), public.set_cached(text, jsonb, interval), public.delete_cached(text),
  private.cleanup_cache_store()
from public, anon, authenticated, service_role;
grant execute on function
  private.get_cached(text), private.set_cached(text, jsonb, interval), private.delete_cached(text),
  public.get_cached(text), public.set_cached(text, jsonb, interval), public.delete_cached(text)
to service_role;
