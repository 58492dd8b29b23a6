-- What a user may use: tiers with their limits, and one subscription each. Limits are rows, never code:
-- changing one is an update that counts from the next request on.

create table public.subscription_tier (
  name text primary key,
  display_name text not null,
  price_cents int not null,
  currency text not null default 'usd',
  max_social_accounts int not null,
  max_syncs int not null,
  max_ai_analyses int not null,
  max_seo_submissions int not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint subscription_tier_name_is_snake_case check (name ~ '^[a-z][a-z0-9_]*$'),
  constraint subscription_tier_price_is_not_negative check (price_cents >= 0),
  constraint subscription_tier_currency_is_iso check (currency ~ '^[a-z]{3}$'),
  constraint subscription_tier_limits_are_not_negative
    check (least(max_social_accounts, max_syncs, max_ai_analyses, max_seo_submissions) >= 0)
);
comment on table public.subscription_tier is 'What each plan costs a month and allows: accounts at a time, the rest a cycle.';

create trigger _100_update_updated_at
  before update on public.subscription_tier
  for each row execute function private.update_updated_at();

alter table public.subscription_tier enable row level security;
revoke all on table public.subscription_tier from public, anon, authenticated, service_role;
grant select on table public.subscription_tier to anon, authenticated;
grant select, insert, update, delete on table public.subscription_tier to service_role;

create policy select_all on public.subscription_tier
  for select to anon, authenticated
  using (true);

insert into public.subscription_tier
  (name, display_name, price_cents, max_social_accounts, max_syncs, max_ai_analyses, max_seo_submissions)
values
  ('free', 'Free', 0, 1, 10, 25, 0),
  ('basic', 'Basic', 900, 3, 100, 250, 50),
  ('premium', 'Premium', 2900, 10, 1000, 2500, 200);

create table public.subscription_status (
  name text primary key,
  description text not null,
  created_at timestamptz not null default now()
);
comment on table public.subscription_status is 'The states of a subscription, in Stripe''s words.';

alter table public.subscription_status enable row level security;
revoke all on table public.subscription_status from public, anon, authenticated, service_role;
grant select on table public.subscription_status to anon, authenticated, service_role;

create policy select_all on public.subscription_status
  for select to anon, authenticated
  using (true);

insert into public.subscription_status (name, description) values
  ('active', 'Paid, or free.'),
  ('trialing', 'Not paid yet; the tier counts.'),
  ('past_due', 'A payment failed and is tried again; the tier still counts.'),
  ('canceled', 'Over; what counts is the free tier.');

-- One per user, made with the profile. The cycle is the quotas' own, always a month; what was paid for
-- stands in paid_until. The three counters change at every consume and are in no index, so that such an
-- update touches none.
create table public.subscription (
  user_id uuid primary key references public.users (id) on delete cascade,
  tier text not null default 'free'
    references public.subscription_tier (name) on update cascade on delete restrict,
  status text not null default 'active'
    references public.subscription_status (name) on update cascade on delete restrict,
  cycle_start timestamptz not null default now(),
  cycle_end timestamptz not null,
  anchor_day smallint not null,
  syncs_used int not null default 0,
  ai_analyses_used int not null default 0,
  seo_submissions_used int not null default 0,
  paid_until timestamptz,
  stripe_customer_id text,
  stripe_subscription_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint subscription_cycle_has_a_length check (cycle_end > cycle_start),
  constraint subscription_cycle_is_finite check (isfinite(cycle_start) and isfinite(cycle_end)),
  constraint subscription_anchor_day_is_a_day check (anchor_day between 1 and 31),
  constraint subscription_used_is_not_negative
    check (least(syncs_used, ai_analyses_used, seo_submissions_used) >= 0),
  constraint subscription_stripe_customer_id_key unique (stripe_customer_id),
  constraint subscription_stripe_subscription_id_key unique (stripe_subscription_id),
  constraint subscription_stripe_ids_are_short
    check (char_length(stripe_customer_id) <= 255 and char_length(stripe_subscription_id) <= 255)
) with (fillfactor = 80);
comment on table public.subscription is 'A user''s plan and what they have used of it in the current cycle.';
comment on column public.subscription.anchor_day is
  'The day of the month on which cycles end; in a shorter month its last day does.';
comment on column public.subscription.paid_until is
  'End of the period that was paid; null where nobody pays. Three days later the tier no longer counts.';

-- Serves reset_quotas.
create index subscription_cycle_end_idx on public.subscription (cycle_end);
-- Serve the foreign keys, and counting subscribers.
create index subscription_tier_idx on public.subscription (tier, status);
create index subscription_status_idx on public.subscription (status);

create trigger _100_update_updated_at
  before update on public.subscription
  for each row execute function private.update_updated_at();

alter table public.subscription enable row level security;
revoke all on table public.subscription from public, anon, authenticated, service_role;
grant select on table public.subscription to authenticated;
grant select, insert, update, delete on table public.subscription to service_role;

create policy select_own on public.subscription
  for select to authenticated
  using (user_id = (select auth.uid()));

create function private.tier_in_force(p_tier text, p_status text, p_paid_until timestamptz)
returns text
language plpgsql stable set search_path = ''
as $$
begin
  -- Stripe tells of a renewal up to three days late: that is how long it repeats what it could not deliver.
  if p_status = 'canceled' or p_paid_until + interval '3 days' <= now() then
    return 'free';
  end if;
  return p_tier;
end;
$$;
comment on function private.tier_in_force(text, text, timestamptz) is
  'The tier that counts now: one that was canceled, or is no longer paid, counts as free.';

create function private.current_tier(p_user_id uuid)
returns public.subscription_tier
language sql stable security definer set search_path = ''
as $$
  select tier
  from public.subscription_tier as tier
  where tier.name = coalesce((
    select private.tier_in_force(own.tier, own.status, own.paid_until)
    from public.subscription as own
    where own.user_id = p_user_id), 'free');
$$;
comment on function private.current_tier(uuid) is
  'The tier whose limits count for a user now. Lends the right to read subscriptions.';

create function private.account_limit(p_user_id uuid)
returns int
language sql stable set search_path = ''
as $$
  select max_social_accounts from private.current_tier(p_user_id);
$$;
comment on function private.account_limit(uuid) is 'How many accounts a user may have connected at a time.';

-- Months are counted in UTC, whatever time zone a session has, and always from the day of the anchor: a
-- cycle that began on the 31st ends on the last of February and on the 31st again after that. A cycle_end
-- that came from elsewhere and is on another day brings its own anchor.
create function private.cycle_end_after(p_cycle_end timestamptz, p_anchor_day int, p_months int)
returns timestamptz
language plpgsql immutable set search_path = ''
as $$
declare
  ended constant timestamp := p_cycle_end at time zone 'UTC';
  day_of_end constant int := extract(day from ended);
  last_of_end constant int := extract(day from date_trunc('month', ended) + interval '1 month' - interval '1 day');
  month constant timestamp := date_trunc('month', ended) + p_months * interval '1 month';
  last_of_month constant int := extract(day from month + interval '1 month' - interval '1 day');
  day constant int := case when day_of_end = least(p_anchor_day, last_of_end) then p_anchor_day else day_of_end end;
begin
  return (month + (least(day, last_of_month) - 1) * interval '1 day' + (ended - date_trunc('day', ended)))
    at time zone 'UTC';
end;
$$;
comment on function private.cycle_end_after(timestamptz, int, int) is
  'The end of the cycle so many months after one, on the anchor''s day or the last of a shorter month.';

revoke all on function
  private.tier_in_force(text, text, timestamptz),
  private.current_tier(uuid),
  private.account_limit(uuid),
  private.cycle_end_after(timestamptz, int, int)
from public, anon, authenticated, service_role;
