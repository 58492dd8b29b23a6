-- 006 Async: what a platform lets the whole product ask for in a day. One row per counter, shared by the jobs
-- of all users: a unit is reserved before the call, and the update that counts is the one that decides.

create table private.provider_quota (
  platform text not null references public.platform (name) on update cascade on delete cascade,
  bucket text not null,
  limit_units int,
  time_zone text not null default 'UTC',
  day date not null default '-infinity',
  used int not null default 0,
  exhausted_until timestamptz,
  primary key (platform, bucket),
  constraint provider_quota_bucket_is_filled check (char_length(bucket) between 1 and 100),
  constraint provider_quota_limit_units_is_not_negative check (limit_units >= 0),
  constraint provider_quota_used_is_not_negative check (used >= 0)
)
-- Changed by every call of every sync.
with (fillfactor = 50);
comment on table private.provider_quota is 'A platform''s daily counters: what may be used, what was used, and until when it is used up.';
comment on column private.provider_quota.limit_units is 'Per day; null: not known, only counted.';
comment on column private.provider_quota.time_zone is 'Where the platform''s day begins.';
comment on column private.provider_quota.day is 'The day that used counts.';
comment on column private.provider_quota.exhausted_until is 'As the platform said when it refused.';
alter table private.provider_quota enable row level security;
revoke all on table private.provider_quota from public, anon, authenticated, service_role;

insert into private.provider_quota (platform, bucket, limit_units, time_zone) values
  ('youtube', 'default', 10000, 'America/Los_Angeles'),
  ('youtube', 'search', 100, 'America/Los_Angeles'),
  ('youtube', 'upload', 100, 'America/Los_Angeles');

create function private.day_at(p_time_zone text)
returns date
language sql stable set search_path = ''
as $$
  select (now() at time zone p_time_zone)::date;
$$;
comment on function private.day_at(text) is 'Today at a place.';

create function private.end_of_day(p_time_zone text)
returns timestamptz
language sql stable set search_path = ''
as $$
  select (private.day_at(p_time_zone) + 1)::timestamp at time zone p_time_zone;
$$;
comment on function private.end_of_day(text) is 'The next midnight at a place.';

create function private.ensure_provider_quota(p_platform text, p_bucket text)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  if not exists (select from public.platform where name = p_platform) then
    perform private.raise_error('PLATFORM_DISABLED', jsonb_build_object('platform', p_platform));
  elsif coalesce(char_length(p_bucket), 0) not between 1 and 100 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_bucket'));
  end if;
  insert into private.provider_quota (platform, bucket) values (p_platform, p_bucket) on conflict do nothing;
end;
$$;
comment on function private.ensure_provider_quota(text, text) is 'Makes a counter without a limit where there is none yet.';

create function private.reserve_provider_quota(
  p_platform text, p_bucket text, p_units int, out allowed boolean, out resets_at timestamptz
)
language plpgsql volatile security definer set search_path = ''
as $$
begin
  if p_units is null or p_units not between 0 and 1000000 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'p_units'));
  end if;
  -- Twice: a counter that is not there yet is made, and then counts.
  for attempt in 1..2 loop
    update private.provider_quota as quota
    set used = p_units + case when quota.day < private.day_at(quota.time_zone) then 0 else quota.used end,
      day = greatest(quota.day, private.day_at(quota.time_zone))
    where quota.platform = p_platform and quota.bucket = p_bucket
      and (quota.exhausted_until is null or quota.exhausted_until <= now())
      and (quota.limit_units is null or quota.limit_units >=
        p_units + case when quota.day < private.day_at(quota.time_zone) then 0 else quota.used end)
    returning true, private.end_of_day(quota.time_zone) into allowed, resets_at;
    exit when found;

    select false, coalesce(
      case when quota.exhausted_until > now() then quota.exhausted_until end, private.end_of_day(quota.time_zone))
    into allowed, resets_at
    from private.provider_quota as quota
    where quota.platform = p_platform and quota.bucket = p_bucket;
    exit when found;

    perform private.ensure_provider_quota(p_platform, p_bucket);
  end loop;
end;
$$;
comment on function private.reserve_provider_quota(text, text, int) is
  'Body of reserve_provider_quota(). Lends the right to write the counters.';

create function public.reserve_provider_quota(p_platform text, p_bucket text, p_units int)
returns table (allowed boolean, resets_at timestamptz)
language sql volatile rows 1 set search_path = ''
as $$
  select * from private.reserve_provider_quota(p_platform, p_bucket, p_units);
$$;
comment on function public.reserve_provider_quota(text, text, int) is
  'Service only. Takes units of a platform''s daily counter if that many are left, else none; says when there are new ones. Of two that want the last unit one gets it.';

create function private.report_provider_quota_exhausted(p_platform text, p_bucket text, p_resets_at timestamptz)
returns timestamptz
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_until timestamptz;
begin
  perform private.ensure_provider_quota(p_platform, p_bucket);
  update private.provider_quota as quota
  -- A date that the platform, or a clock, got wrong must not stop everybody's syncs for long.
  set exhausted_until = greatest(quota.exhausted_until,
    case when p_resets_at > now() then least(p_resets_at, now() + interval '2 days')
      else private.end_of_day(quota.time_zone) end)
  where quota.platform = p_platform and quota.bucket = p_bucket
  returning quota.exhausted_until into v_until;
  return v_until;
end;
$$;
comment on function private.report_provider_quota_exhausted(text, text, timestamptz) is
  'Body of report_provider_quota_exhausted(). Lends the right to write the counters.';

create function public.report_provider_quota_exhausted(
  p_platform text, p_bucket text, p_resets_at timestamptz default null
)
returns timestamptz
language sql volatile set search_path = ''
as $$
  select private.report_provider_quota_exhausted(p_platform, p_bucket, p_resets_at);
$$;
comment on function public.report_provider_quota_exhausted(text, text, timestamptz) is
  'Service only. The platform refused for want of quota: nobody gets units before p_resets_at (default: the platform''s next midnight; at most two days). Returns until when.';

revoke all on function
  private.day_at(text),
  private.end_of_day(text),
  private.ensure_provider_quota(text, text),
  private.reserve_provider_quota(text, text, int),
  public.reserve_provider_quota(text, text, int),
  private.report_provider_quota_exhausted(text, text, timestamptz),
  public.report_provider_quota_exhausted(text, text, timestamptz)
from public, anon, authenticated, service_role;
grant execute on function
  private.reserve_provider_quota(text, text, int),
  public.reserve_provider_quota(text, text, int),
  private.report_provider_quota_exhausted(text, text, timestamptz),
  public.report_provider_quota_exhausted(text, text, timestamptz)
to service_role;
