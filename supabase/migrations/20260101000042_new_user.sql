-- What every profile comes with, whoever makes it: the role of a user, settings, the free subscription.

create function private.provide_for_user()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into public.user_role (user_id, role) values (new.id, 'user');
  insert into public.user_setting (user_id) values (new.id);
  insert into public.subscription (user_id, cycle_start, cycle_end, anchor_day)
  select new.id, now(), private.cycle_end_after(now(), day, 1), day
  from (select extract(day from now() at time zone 'UTC')::smallint as day) as today;
  return null;
end;
$$;
comment on function private.provide_for_user() is
  'Trigger: gives a new profile its role, settings and subscription. Lends the right to make them to whoever makes the profile.';
revoke all on function private.provide_for_user() from public, anon, authenticated, service_role;

create trigger _500_provide_for_user
  after insert on public.users
  for each row execute function private.provide_for_user();
