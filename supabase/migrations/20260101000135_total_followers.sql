-- 001 Platform connections: how many follow a creator, over all of their accounts.

create function private.update_total_followers(p_user_id uuid)
returns bigint
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_total bigint;
begin
  -- Two accounts of one user that change at once: the second waits here, and then sees the first.
  perform from public.users where id = p_user_id for no key update;
  -- A channel that waits to be connected again has not lost its followers.
  select coalesce(sum(follower_count), 0) into v_total
  from public.social_account
  where user_id = p_user_id and deleted_at is null;
  update public.users set total_followers = v_total
  where id = p_user_id and total_followers is distinct from v_total;
  return v_total;
end;
$$;
comment on function private.update_total_followers(uuid) is
  'Body of update_total_followers(). Lends the right to read accounts and write profiles.';

create function public.update_total_followers(p_user_id uuid)
returns bigint
language sql volatile set search_path = ''
as $$
  select private.update_total_followers(p_user_id);
$$;
comment on function public.update_total_followers(uuid) is
  'Service only. Adds up the followers of a user''s accounts into their profile and returns the sum.';

-- Whoever changes accounts has the user's row locked already, or changes nothing that counts here.
create function private.tg_social_account__total_followers()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform private.update_total_followers(coalesce(new.user_id, old.user_id));
  return null;
end;
$$;
comment on function private.tg_social_account__total_followers() is
  'Trigger: the total follows the accounts. Lends the right to read accounts and write profiles.';

create trigger _300_total_followers_on_insert
  after insert on public.social_account
  for each row when (new.follower_count > 0)
  execute function private.tg_social_account__total_followers();
create trigger _300_total_followers_on_update
  after update on public.social_account
  for each row
  when ((old.follower_count, old.deleted_at is null) is distinct from (new.follower_count, new.deleted_at is null))
  execute function private.tg_social_account__total_followers();
create trigger _300_total_followers_on_delete
  after delete on public.social_account
  for each row when (old.follower_count > 0)
  execute function private.tg_social_account__total_followers();

revoke all on function
  private.update_total_followers(uuid), public.update_total_followers(uuid),
  private.tg_social_account__total_followers()
from public, anon, authenticated, service_role;
grant execute on function private.update_total_followers(uuid), public.update_total_followers(uuid) to service_role;
