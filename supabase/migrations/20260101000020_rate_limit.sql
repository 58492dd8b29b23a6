-- Rate limits of the HTTP functions, and of what users call at the data API: how many calls a caller may make in a window.
-- Limits are rows, so that an operator changes one with an update and no deploy.

create table private.rate_limit (
  function_name text not null,
  caller text not null,
  max_requests int not null,
  per interval not null default '1 hour',
  primary key (function_name, caller),
  constraint rate_limit_caller_is_known check (caller in ('user', 'ip')),
  constraint rate_limit_max_requests_is_not_negative check (max_requests >= 0),
  constraint rate_limit_per_is_positive check (per > interval '0')
);
comment on table private.rate_limit is
  'How many requests one user or one IP address may make; function_name * is the default, a named row overrides it.';
alter table private.rate_limit enable row level security;
revoke all on table private.rate_limit from public, anon, authenticated, service_role;

insert into private.rate_limit (function_name, caller, max_requests) values
  ('*', 'user', 100),
  ('*', 'ip', 20),
  -- Meant to be polled: a client without a socket asks every second.
  ('job-status', 'user', 7200),
  -- Read again after every news; the default is for writes.
  ('job-list', 'user', 3600),
  ('job-logs', 'user', 3600),
  -- At the data API, whoever creates a job or asks for an equal one. A few are active at a time; but who cancels
  -- them at once would fill the queue with what is over.
  ('create_job', 'user', 1000),
  -- The GET of a browser that the provider sends back; many creators may share one address. The POST that
  -- finishes is a user's and counts as any other.
  ('oauth-youtube-callback', 'ip', 300),
  -- Asked by monitors, from one address, every few seconds.
  ('health', 'ip', 3600);

-- Unlogged: losing the counts in a crash forgives a few requests, which is cheaper than WAL on every call.
create unlogged table private.rate_limit_counter (
  function_name text not null,
  caller text not null,
  key_hash bytea not null,
  request_count int not null,
  window_ends_at timestamptz not null,
  primary key (function_name, caller, key_hash)
);
comment on table private.rate_limit_counter is
  'Requests in the current window. The key is hashed: an address is not kept, and a long key cannot bloat the index.';
alter table private.rate_limit_counter enable row level security;
revoke all on table private.rate_limit_counter from public, anon, authenticated, service_role;

-- Serves cleanup_rate_limits.
create index rate_limit_counter_window_ends_at_idx on private.rate_limit_counter (window_ends_at);

-- Fixed window from the first request. One upsert both counts and decides, so that concurrent requests
-- queue on the row and no two of them get the last unit.
create function private.consume_rate_limit(
  p_function_name text, p_caller text, p_key text,
  out allowed boolean, out max_requests int, out remaining int, out reset_at timestamptz
)
language plpgsql volatile security definer set search_path = ''
as $$
#variable_conflict use_column
declare
  v_per interval;
  v_count int;
begin
  select rule.max_requests, rule.per into max_requests, v_per
  from private.rate_limit as rule
  where rule.caller = p_caller and rule.function_name in (p_function_name, '*')
  order by rule.function_name = '*'
  limit 1;
  if not found then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('caller', p_caller),
      'There is no rate limit for this kind of caller.');
  end if;

  insert into private.rate_limit_counter as counter (function_name, caller, key_hash, request_count, window_ends_at)
  values (p_function_name, p_caller, sha256(convert_to(p_key, 'UTF8')), 1, now() + v_per)
  on conflict (function_name, caller, key_hash) do update set
    -- Saturates instead of overflowing under a flood.
    request_count = case when counter.window_ends_at <= now() then 1
      else least(counter.request_count, 2147483646) + 1 end,
    window_ends_at = case when counter.window_ends_at <= now() then excluded.window_ends_at
      else counter.window_ends_at end
  returning counter.request_count, counter.window_ends_at into v_count, reset_at;
  allowed := v_count <= max_requests;
  remaining := greatest(max_requests - v_count, 0);
end;
$$;
comment on function private.consume_rate_limit(text, text, text) is
  'Counts one request and says whether it is within the limit. Lends the right to write the counters.';
revoke all on function private.consume_rate_limit(text, text, text) from public, anon, authenticated, service_role;
grant execute on function private.consume_rate_limit(text, text, text) to service_role;

-- For SQL functions that users reach past the edge functions. A request that is refused later takes its
-- unit back with its transaction: what did nothing is not counted.
create function private.assert_rate_limit(p_function_name text, p_user_id uuid)
returns void
language plpgsql volatile set search_path = ''
as $$
declare
  limit_state constant record := private.consume_rate_limit(p_function_name, 'user', p_user_id::text);
begin
  if not limit_state.allowed then
    perform private.raise_error('RATE_LIMITED', jsonb_build_object('limit', limit_state.max_requests,
      'retry_after', greatest(1, ceil(extract(epoch from limit_state.reset_at - now())))));
  end if;
end;
$$;
comment on function private.assert_rate_limit(text, uuid) is
  'Counts one request of a user; raises RATE_LIMITED with the seconds to wait when the limit is used up.';
revoke all on function private.assert_rate_limit(text, uuid) from public, anon, authenticated, service_role;

create function public.consume_rate_limit(p_function_name text, p_caller text, p_key text)
returns table (allowed boolean, max_requests int, remaining int, reset_at timestamptz)
language plpgsql volatile rows 1 set search_path = ''
as $$
declare
  limit_state constant record := private.consume_rate_limit(p_function_name, p_caller, p_key);
begin
  allowed := limit_state.allowed;
  max_requests := limit_state.max_requests;
  remaining := limit_state.remaining;
  reset_at := limit_state.reset_at;
  return next;
end;
$$;
comment on function public.consume_rate_limit(text, text, text) is
  'Service only. Counts one request of a caller (kind user or ip, key the user id or address) against a function''s limit.';
revoke all on function public.consume_rate_limit(text, text, text) from public, anon, authenticated, service_role;
grant execute on function public.consume_rate_limit(text, text, text) to service_role;

create function private.cleanup_rate_limits()
returns bigint
language sql volatile set search_path = ''
as $$
  with gone as (
    delete from private.rate_limit_counter where window_ends_at < now() returning 1
  )
  select count(*) from gone;
$$;
comment on function private.cleanup_rate_limits() is 'Daily: drops the counters of windows that are over; returns how many.';
revoke all on function private.cleanup_rate_limits() from public, anon, authenticated, service_role;
