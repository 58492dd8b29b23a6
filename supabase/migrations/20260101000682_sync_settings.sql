-- 002 Content: when a sync is due follows from its owner's settings, and so changes with them: who asks for one a
-- day after one a month does not wait out the month, and an account that is synced by itself again has a date.

create function private.sync_due_at(p_user_id uuid, p_sync_interval interval, p_last_synced_at timestamptz)
returns timestamptz
language plpgsql volatile set search_path = ''
as $$
begin
  -- Since the last sync, so that changing settings to and fro brings nobody more of them.
  return greatest(now(), p_last_synced_at + (private.next_sync_at(p_user_id, p_sync_interval) - now()));
end;
$$;
comment on function private.sync_due_at(uuid, interval, timestamptz) is
  'When an account is due by its settings: its interval after the last sync, now where there was none.';

create function private.tg_social_account__reschedule()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- What is not synced by itself keeps its date, which nobody reads.
  if new.sync_mode = 'auto' and new.is_active and new.status = 'active' and new.deleted_at is null then
    new.next_sync_at := private.sync_due_at(new.user_id, new.sync_interval, new.last_synced_at);
  end if;
  return new;
end;
$$;
comment on function private.tg_social_account__reschedule() is
  'Trigger: an account is due as its new settings say. Lends the right to read the owner''s settings.';

create trigger _200_reschedule
  before update of sync_mode, sync_interval, is_active, status on public.social_account
  for each row
  when ((old.sync_mode, old.sync_interval, old.is_active) is distinct from (new.sync_mode, new.sync_interval, new.is_active)
    -- Connecting an account says by itself when it is due.
    or (old.status = 'suspended' and new.status = 'active'))
  execute function private.tg_social_account__reschedule();

create function private.tg_user_setting__reschedule()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  update public.social_account
  set next_sync_at = private.sync_due_at(user_id, sync_interval, last_synced_at)
  where user_id = new.user_id and sync_mode = 'auto' and is_active and status = 'active' and deleted_at is null
    and (sync_interval is null or not old.auto_sync_enabled);
  return null;
end;
$$;
comment on function private.tg_user_setting__reschedule() is
  'Trigger: a user''s accounts are due as the new settings say. Lends the right to write accounts.';

create trigger _500_reschedule
  after update of auto_sync_enabled, auto_sync_interval on public.user_setting
  for each row
  when (new.auto_sync_enabled
    and (old.auto_sync_enabled, old.auto_sync_interval) is distinct from (new.auto_sync_enabled, new.auto_sync_interval))
  execute function private.tg_user_setting__reschedule();

-- Who has used up a plan is due when the next cycle begins; a larger plan does not wait for that.
create function private.tg_subscription__reschedule()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  update public.social_account as account
  set next_sync_at = private.sync_due_at(account.user_id, account.sync_interval, account.last_synced_at)
  where account.id in (
    select own.id
    from public.social_account as own
    join public.user_setting as setting on setting.user_id = own.user_id
    where own.user_id = new.user_id and own.sync_mode = 'auto' and own.is_active and own.status = 'active'
      and own.deleted_at is null and setting.auto_sync_enabled
    -- A run of the schedule comes from its accounts to the subscription: what it holds is not waited for.
    for no key update of own skip locked);
  return null;
end;
$$;
comment on function private.tg_subscription__reschedule() is
  'Trigger: the accounts of a user whose plan has changed are due as their settings say. Lends the right to write accounts.';

create trigger _500_reschedule
  after update of tier, status, paid_until on public.subscription
  for each row
  when ((old.tier, old.status, old.paid_until) is distinct from (new.tier, new.status, new.paid_until))
  execute function private.tg_subscription__reschedule();

revoke all on function
  private.sync_due_at(uuid, interval, timestamptz),
  private.tg_social_account__reschedule(),
  private.tg_user_setting__reschedule(),
  private.tg_subscription__reschedule()
from public, anon, authenticated, service_role;
