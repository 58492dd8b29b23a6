-- 001 Platform connections: the few minutes between sending a user to a platform and their return.
-- A row says who started; only that user can finish. Taking it is the same act as removing it.

create table private.oauth_state (
  state_hash text primary key,
  user_id uuid not null references public.users (id) on delete cascade,
  platform_name text not null references public.platform (name) on update cascade on delete cascade,
  code_verifier text not null,
  redirect_uri text not null,
  redirect_to text,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  constraint oauth_state_state_hash_is_not_a_state check (char_length(state_hash) between 32 and 128)
);
comment on table private.oauth_state is 'Authorizations under way. Only the hash of the state is kept, and each row is used once.';
alter table private.oauth_state enable row level security;
revoke all on table private.oauth_state from public, anon, authenticated, service_role;

create index oauth_state_user_id_idx on private.oauth_state (user_id);
create index oauth_state_platform_name_idx on private.oauth_state (platform_name);
-- Serves cleanup_oauth_states.
create index oauth_state_expires_at_idx on private.oauth_state (expires_at);

create function private.check_platform_enabled(p_platform text)
returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if not exists (select from public.platform where name = p_platform and is_enabled) then
    perform private.raise_error('PLATFORM_DISABLED', jsonb_build_object('platform', p_platform));
  end if;
end;
$$;
comment on function private.check_platform_enabled(text) is
  'Raises PLATFORM_DISABLED for an unknown or disabled platform. Lends the right to read the catalogue.';
revoke all on function private.check_platform_enabled(text) from public, anon, authenticated, service_role;

create function private.create_oauth_state(
  p_user_id uuid, p_platform text, p_state_hash text, p_code_verifier text, p_redirect_uri text, p_redirect_to text
)
returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform private.check_platform_enabled(p_platform);
  insert into private.oauth_state
    (state_hash, user_id, platform_name, code_verifier, redirect_uri, redirect_to, expires_at)
  values
    (p_state_hash, p_user_id, p_platform, p_code_verifier, p_redirect_uri, p_redirect_to, now() + interval '10 minutes');
end;
$$;
comment on function private.create_oauth_state(uuid, text, text, text, text, text) is
  'Remembers an authorization for ten minutes. Lends the right to write private.oauth_state.';
revoke all on function private.create_oauth_state(uuid, text, text, text, text, text)
  from public, anon, authenticated, service_role;
grant execute on function private.create_oauth_state(uuid, text, text, text, text, text) to service_role;

create function public.create_oauth_state(
  p_user_id uuid, p_platform text, p_state_hash text, p_code_verifier text, p_redirect_uri text,
  p_redirect_to text default null
)
returns void
language sql volatile set search_path = ''
as $$
  select private.create_oauth_state(
    p_user_id, p_platform, p_state_hash, p_code_verifier, p_redirect_uri, p_redirect_to);
$$;
comment on function public.create_oauth_state(uuid, text, text, text, text, text) is
  'Service only. Remembers the hash of a state, its PKCE verifier and where to go afterwards, for ten minutes.';
revoke all on function public.create_oauth_state(uuid, text, text, text, text, text)
  from public, anon, authenticated, service_role;
grant execute on function public.create_oauth_state(uuid, text, text, text, text, text) to service_role;

-- For the browser that a provider sends back. It need not be its starter's, so it learns one page of ours.
create function private.get_oauth_redirect(p_platform text, p_state_hash text)
returns table (redirect_to text)
language sql stable security definer set search_path = ''
as $$
  select state.redirect_to
  from private.oauth_state as state
  where state.state_hash = p_state_hash and state.platform_name = p_platform and state.expires_at > now();
$$;
comment on function private.get_oauth_redirect(text, text) is
  'Where an authorization goes on; takes nothing. Lends the right to read private.oauth_state.';
revoke all on function private.get_oauth_redirect(text, text) from public, anon, authenticated, service_role;
grant execute on function private.get_oauth_redirect(text, text) to service_role;

create function public.get_oauth_redirect(p_platform text, p_state_hash text)
returns table (redirect_to text)
language sql stable set search_path = ''
as $$
  select * from private.get_oauth_redirect(p_platform, p_state_hash);
$$;
comment on function public.get_oauth_redirect(text, text) is
  'Service only. The page an authorization goes on at, which may be null; no row for a state that is not good. Takes nothing.';
revoke all on function public.get_oauth_redirect(text, text) from public, anon, authenticated, service_role;
grant execute on function public.get_oauth_redirect(text, text) to service_role;

-- Of two calls with one state the second waits for the first's delete and then finds nothing. Whoever is
-- not its user takes nothing: a creator lured into consenting for somebody else cannot finish that, and
-- trying does not spoil it for its owner.
create function private.consume_oauth_state(p_user_id uuid, p_platform text, p_state_hash text)
returns table (code_verifier text, redirect_uri text)
language plpgsql volatile security definer set search_path = ''
as $$
begin
  return query
  delete from private.oauth_state as state
  where state.state_hash = p_state_hash
    and state.platform_name = p_platform
    and state.user_id = p_user_id
    and state.expires_at > now()
  returning state.code_verifier, state.redirect_uri;

  if not found then
    perform private.raise_error('OAUTH_STATE_INVALID');
  end if;
end;
$$;
comment on function private.consume_oauth_state(uuid, text, text) is
  'Takes a state for the user it was given to: at most once, never after it expired. Lends the right to delete from private.oauth_state.';
revoke all on function private.consume_oauth_state(uuid, text, text) from public, anon, authenticated, service_role;
grant execute on function private.consume_oauth_state(uuid, text, text) to service_role;

create function public.consume_oauth_state(p_user_id uuid, p_platform text, p_state_hash text)
returns table (code_verifier text, redirect_uri text)
language sql volatile set search_path = ''
as $$
  select * from private.consume_oauth_state(p_user_id, p_platform, p_state_hash);
$$;
comment on function public.consume_oauth_state(uuid, text, text) is
  'Service only. Takes the authorization that this user started, once; OAUTH_STATE_INVALID otherwise.';
revoke all on function public.consume_oauth_state(uuid, text, text) from public, anon, authenticated, service_role;
grant execute on function public.consume_oauth_state(uuid, text, text) to service_role;

create function private.cleanup_oauth_states()
returns bigint
language sql volatile set search_path = ''
as $$
  with gone as (
    delete from private.oauth_state where expires_at < now() returning 1
  )
  select count(*) from gone;
$$;
comment on function private.cleanup_oauth_states() is 'Hourly: drops authorizations nobody came back from; returns how many.';
revoke all on function private.cleanup_oauth_states() from public, anon, authenticated, service_role;
