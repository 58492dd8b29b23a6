-- The audit log: who did what to an account that matters for its security. Written by the functions and
-- triggers that do these things, in their transactions; appended to and never changed, by nobody.

-- No foreign key: what was done to an account is still to be known when the account is gone.
create table public.audit_log (
  id uuid primary key default gen_random_uuid(),
  user_id uuid,
  actor_id uuid,
  actor_role text not null,
  action text not null,
  details jsonb not null default '{}',
  created_at timestamptz not null default now(),
  constraint audit_log_action_is_dotted check (action ~ '^[a-z_]+(\.[a-z_]+)+$'),
  constraint audit_log_details_are_small_object
    check (jsonb_typeof(details) = 'object' and octet_length(details::text) <= 8192)
);
comment on table public.audit_log is 'Security-relevant acts, append-only. Never a token, a code or an address in details.';
comment on column public.audit_log.user_id is 'Whose account it was done to.';
comment on column public.audit_log.actor_id is 'The user who did it, or had the service do it; null for the service itself and the timetable.';

-- Serves an owner's history.
create index audit_log_user_id_created_at_idx on public.audit_log (user_id, created_at desc);
-- Serves cleanup_audit_log.
create index audit_log_created_at_idx on public.audit_log (created_at);

-- A rule about age, not about who asks: whoever could be let through could also be impersonated.
create function private.keep_audit_log()
returns trigger
language plpgsql volatile set search_path = ''
as $$
begin
  if tg_op = 'DELETE' then
    if old.created_at < now() - interval '1 year' then
      return old;
    end if;
  end if;
  perform private.raise_error('FORBIDDEN', null, 'The audit log is only ever added to.');
  return null;
end;
$$;
comment on function private.keep_audit_log() is 'Trigger: refuses every change of the audit log but the removal of what is older than a year.';

create trigger _100_keep
  before update or delete on public.audit_log
  for each row execute function private.keep_audit_log();
create trigger _200_keep_from_truncate
  before truncate on public.audit_log
  for each statement execute function private.keep_audit_log();

alter table public.audit_log enable row level security;
revoke all on table public.audit_log from public, anon, authenticated, service_role;
grant select on table public.audit_log to authenticated, service_role;

create policy select_own on public.audit_log
  for select to authenticated
  using (user_id = (select auth.uid()));

create function private.write_audit(
  p_user_id uuid, p_action text, p_details jsonb default '{}', p_actor_id uuid default null
)
returns void
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into public.audit_log (user_id, actor_id, actor_role, action, details)
  values (
    p_user_id,
    coalesce(auth.uid(), p_actor_id),
    -- The role that was set survives a definer body; without one, the login role is who acts.
    coalesce(nullif(current_setting('role', true), 'none'), session_user),
    p_action,
    coalesce(p_details, '{}'));
end;
$$;
comment on function private.write_audit(uuid, text, jsonb, uuid) is
  'Notes what was done to whose account, and who did it: the signed-in user, else the one the service acts for. Lends the right to append to the log.';

create function private.cleanup_audit_log(p_keep interval default interval '2 years')
returns bigint
language sql volatile set search_path = ''
as $$
  with gone as (
    delete from public.audit_log
    where id in (
      select id from public.audit_log
      where created_at < now() - greatest(p_keep, interval '1 year')
      order by created_at limit 10000)
    returning 1
  )
  select count(*) from gone;
$$;
comment on function private.cleanup_audit_log(interval) is
  'Hourly: removes what is older than two years, or the time given, 10 000 rows at most; returns how many.';

revoke all on function
  private.keep_audit_log(),
  private.write_audit(uuid, text, jsonb, uuid),
  private.cleanup_audit_log(interval)
from public, anon, authenticated, service_role;
