-- 001 Platform connections: the few minutes between sending a user to a platform and their return.
-- A row says who started, at which platform, and which address they come back to: only that user can
-- finish, there, once. A row outlives its use for a day, so that whoever comes too late is told why.

create table private.oauth_state (
  state_hash text primary key,
  user_id uuid not null references public.users (id) on delete cascade,
  platform_name text not null references public.platform (name) on update cascade on delete cascade,
  code_verifier text,
  redirect_uri text not null,
  redirect_to text,
  expires_at timestamptz not null,
  used_at timestamptz,
  created_at timestamptz not null default now(),
  constraint oauth_state_state_hash_is_not_a_state check (char_length(state_hash) between 32 and 128),
  constraint oauth_state_verifier_is_kept_until_used check ((code_verifier is null) = (used_at is not null))
);
comment on table private.oauth_state is
  'Authorizations under way, and those of the last day. Only the hash of the state is kept; each row is used once.';
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
  -- A token outlives the account it was made for; who is just going is waited for.
  perform from public.users where id = p_user_id for key share;
  if not found then
    perform private.raise_error('NOT_FOUND', null, 'There is no such user.');
  end if;
  insert into private.oauth_state
    (state_hash, user_id, platform_name, code_verifier, redirect_uri, redirect_to, expires_at)
  values
    (p_state_hash, p_user_id, p_platform, p_code_verifier, p_redirect_uri, p_redirect_to, now() + interval '10 minutes');
end;
$$;
comment on function private.create_oauth_state(uuid, text, text, text, text, text) is
  'Remembers an authorization for ten minutes. Lends the right to read users and write private.oauth_state.';
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

-- What is wrong with a state that is known, the same for the browser that comes back and for its user.
create function private.oauth_state_refusal(p_state private.oauth_state, p_platform text, p_redirect_uri text)
returns text
language sql stable set search_path = ''
as $$
  select case
    when p_state.platform_name is distinct from p_platform then 'OAUTH_PLATFORM_MISMATCH'
    when p_state.redirect_uri is distinct from p_redirect_uri then 'OAUTH_REDIRECT_MISMATCH'
    when p_state.used_at is not null then 'OAUTH_STATE_USED'
    when p_state.expires_at <= now() then 'OAUTH_STATE_EXPIRED'
  end;
$$;
comment on function private.oauth_state_refusal(private.oauth_state, text, text) is
  'The code that a state is refused with at this platform and address; null when it is good.';
revoke all on function private.oauth_state_refusal(private.oauth_state, text, text)
  from public, anon, authenticated, service_role;

-- For the browser that a provider sends back. It need not be its starter's, so it learns one page of ours.
create function private.get_oauth_redirect(p_platform text, p_state_hash text, p_redirect_uri text)
returns table (redirect_to text, refusal text)
language sql stable security definer set search_path = ''
as $$
  select state.redirect_to, private.oauth_state_refusal(state, p_platform, p_redirect_uri)
  from private.oauth_state as state
  where state.state_hash = p_state_hash;
$$;
comment on function private.get_oauth_redirect(text, text, text) is
  'Where an authorization goes on; takes nothing. Lends the right to read private.oauth_state.';
revoke all on function private.get_oauth_redirect(text, text, text) from public, anon, authenticated, service_role;
grant execute on function private.get_oauth_redirect(text, text, text) to service_role;

create function public.get_oauth_redirect(p_platform text, p_state_hash text, p_redirect_uri text)
returns table (redirect_to text, refusal text)
language sql stable set search_path = ''
as $$
  select * from private.get_oauth_redirect(p_platform, p_state_hash, p_redirect_uri);
$$;
comment on function public.get_oauth_redirect(text, text, text) is
  'Service only. The page an authorization goes on at, which may be null, and the code it is refused with, null when it is good; no row for a state that is not known. Takes nothing.';
revoke all on function public.get_oauth_redirect(text, text, text) from public, anon, authenticated, service_role;
grant execute on function public.get_oauth_redirect(text, text, text) to service_role;

-- Of two calls with one state the second waits for the first and then finds it used. Whoever is not its
-- user, or comes to the wrong place, takes nothing: a creator lured into consenting for somebody else
-- cannot finish that, and trying does not spoil it for its owner.
create function private.consume_oauth_state(
  p_user_id uuid, p_platform text, p_state_hash text, p_redirect_uri text
)
returns table (code_verifier text, redirect_uri text)
language plpgsql volatile security definer set search_path = ''
as $$
declare
  state private.oauth_state;
  refusal text;
begin
  select * into state from private.oauth_state as known where known.state_hash = p_state_hash for update;
  if not found then
    perform private.raise_error('OAUTH_STATE_INVALID');
  elsif state.user_id is distinct from p_user_id then
    perform private.raise_error('OAUTH_STATE_FOREIGN');
  end if;
  refusal := private.oauth_state_refusal(state, p_platform, p_redirect_uri);
  if refusal is not null then
    perform private.raise_error(refusal);
  end if;

  update private.oauth_state as known set used_at = now(), code_verifier = null
  where known.state_hash = p_state_hash;
  return query select state.code_verifier, state.redirect_uri;
end;
$$;
comment on function private.consume_oauth_state(uuid, text, text, text) is
  'Takes a state for the user, platform and address it was given to: at most once, never after it expired. Lends the right to write private.oauth_state.';
revoke all on function private.consume_oauth_state(uuid, text, text, text)
  from public, anon, authenticated, service_role;
grant execute on function private.consume_oauth_state(uuid, text, text, text) to service_role;

create function public.consume_oauth_state(
  p_user_id uuid, p_platform text, p_state_hash text, p_redirect_uri text
)
returns table (code_verifier text, redirect_uri text)
language sql volatile set search_path = ''
as $$
  select * from private.consume_oauth_state(p_user_id, p_platform, p_state_hash, p_redirect_uri);
$$;
comment on function public.consume_oauth_state(uuid, text, text, text) is
  'Service only. Takes the authorization that this user started, once. Refused with OAUTH_STATE_INVALID, _FOREIGN, _USED or _EXPIRED, OAUTH_PLATFORM_MISMATCH or OAUTH_REDIRECT_MISMATCH.';
revoke all on function public.consume_oauth_state(uuid, text, text, text)
  from public, anon, authenticated, service_role;
grant execute on function public.consume_oauth_state(uuid, text, text, text) to service_role;

create function private.cleanup_oauth_states()
returns bigint
language sql volatile set search_path = ''
as $$
  with gone as (
    delete from private.oauth_state where expires_at < now() - interval '1 day' returning 1
  )
  select count(*) from gone;
$$;
comment on function private.cleanup_oauth_states() is
  'Hourly: drops authorizations that ended a day ago; returns how many.';
revoke all on function private.cleanup_oauth_states() from public, anon, authenticated, service_role;

-- Browsers that a provider sends back, as many creators as share one address; the first was there before.
insert into private.rate_limit (function_name, caller, max_requests)
select 'oauth-' || name || '-callback', 'ip', 300 from public.platform
on conflict do nothing;
