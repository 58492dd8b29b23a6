-- Roles: what a person may do beyond their own things. Given and taken by the service alone, and every
-- change is in the audit log.

create table public.user_role (
  user_id uuid not null references public.users (id) on delete cascade,
  role text not null,
  created_at timestamptz not null default now(),
  primary key (user_id, role),
  constraint user_role_role_is_known check (role in ('admin', 'moderator', 'user'))
);
comment on table public.user_role is 'Who is what: everybody is a user, some are moderators or admins.';

-- Serves the list of admins and moderators, who are few among the users.
create index user_role_role_idx on public.user_role (role) where role <> 'user';

alter table public.user_role enable row level security;
revoke all on table public.user_role from public, anon, authenticated, service_role;
grant select on table public.user_role to authenticated, service_role;

create policy select_own on public.user_role
  for select to authenticated
  using (user_id = (select auth.uid()));

create function private.audit_user_role()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  changed constant public.user_role := case when tg_op = 'DELETE' then old else new end;
begin
  -- That somebody signed up, or went, is no change of what they may do.
  if changed.role <> 'user' then
    perform private.write_audit(changed.user_id,
      case when tg_op = 'DELETE' then 'role.revoked' else 'role.granted' end,
      jsonb_build_object('role', changed.role));
  end if;
  return null;
end;
$$;
comment on function private.audit_user_role() is
  'Trigger: every grant of a role and every end of one is noted. Lends the right to write the audit log.';

create trigger _500_audit
  after insert or delete on public.user_role
  for each row execute function private.audit_user_role();

create function private.set_role(p_user_id uuid, p_role text, p_is_granted boolean)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if p_role is null or p_role not in ('admin', 'moderator') then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('role', p_role),
      'The roles that are given and taken are admin and moderator.');
  end if;
  if p_is_granted then
    -- Who is just going is waited for.
    perform from public.users where id = p_user_id for key share;
    if not found then
      perform private.raise_error('NOT_FOUND', null, 'There is no such user.');
    end if;
    insert into public.user_role (user_id, role) values (p_user_id, p_role) on conflict do nothing;
  else
    delete from public.user_role where user_id = p_user_id and role = p_role;
  end if;
  return found;
end;
$$;
comment on function private.set_role(uuid, text, boolean) is
  'Gives or takes a role; false when nothing changed. Lends the right to write roles.';

create function public.grant_role(p_user_id uuid, p_role text)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.set_role(p_user_id, p_role, true);
$$;
comment on function public.grant_role(uuid, text) is
  'Service only. Makes a user an admin or a moderator; false when they were already.';

create function public.revoke_role(p_user_id uuid, p_role text)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.set_role(p_user_id, p_role, false);
$$;
comment on function public.revoke_role(uuid, text) is
  'Service only. Ends that a user is an admin or a moderator; false when they were not.';

-- Sees the rows that its caller sees: a user learns about nobody else.
create function public.has_role(p_user_id uuid, p_role text)
returns boolean
language sql stable set search_path = ''
as $$
  select exists (
    select from public.user_role as held
    where held.user_id = p_user_id and held.role = any (case p_role
      when 'user' then array['user', 'moderator', 'admin']
      when 'moderator' then array['moderator', 'admin']
      when 'admin' then array['admin']
    end));
$$;
comment on function public.has_role(uuid, text) is
  'Whether a user has a role, or one above it: user, moderator, admin. For users false about anybody but themselves.';

revoke all on function
  private.audit_user_role(),
  private.set_role(uuid, text, boolean),
  public.grant_role(uuid, text),
  public.revoke_role(uuid, text),
  public.has_role(uuid, text)
from public, anon, authenticated, service_role;
grant execute on function
  private.set_role(uuid, text, boolean), public.grant_role(uuid, text), public.revoke_role(uuid, text)
to service_role;
grant execute on function public.has_role(uuid, text) to authenticated, service_role;
