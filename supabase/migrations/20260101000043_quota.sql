-- Quotas: what is counted in a cycle. The update that counts is the one that decides, so that of many who
-- want the last unit one gets it.

create function private.read_quota(
  p_user_id uuid, p_quota_type text, out used int, out max_units int, out resets_at timestamptz
)
language plpgsql stable security definer set search_path = ''
as $$
begin
  select
    case when own.cycle_end <= now() then 0 else case p_quota_type
      when 'syncs' then own.syncs_used
      when 'ai_analyses' then own.ai_analyses_used
      when 'seo_submissions' then own.seo_submissions_used end end,
    case p_quota_type
      when 'syncs' then tier.max_syncs
      when 'ai_analyses' then tier.max_ai_analyses
      when 'seo_submissions' then tier.max_seo_submissions end,
    case when own.cycle_end <= now() then now() else own.cycle_end end
  into used, max_units, resets_at
  from public.subscription as own
  join public.subscription_tier as tier
    on tier.name = private.tier_in_force(own.tier, own.status, own.paid_until)
  where own.user_id = p_user_id;
end;
$$;
comment on function private.read_quota(uuid, text) is
  'What a user has used of a quota, how much there is, and when it begins anew. Lends the right to read subscriptions.';

create function private.check_quota_request(p_quota_type text, p_amount int)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  if p_quota_type is null or p_quota_type not in ('syncs', 'ai_analyses', 'seo_submissions') then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('quota', p_quota_type),
      'There is no such quota.');
  end if;
  if p_amount is null or p_amount not between 1 and 1000000 then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('amount', p_amount),
      'An amount is between 1 and 1 000 000.');
  end if;
end;
$$;
comment on function private.check_quota_request(text, int) is 'Refuses quotas that do not exist and amounts that are none.';

create function private.check_quota(p_user_id uuid, p_quota_type text)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
begin
  perform private.check_quota_request(p_quota_type, 1);
  return coalesce((select used < max_units from private.read_quota(v_user_id, p_quota_type)), false);
end;
$$;
comment on function private.check_quota(uuid, text) is
  'Whether the acting user has a unit left. Lends the right to read their subscription.';

create function private.consume_quota(p_user_id uuid, p_quota_type text, p_amount int)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
begin
  perform private.check_quota_request(p_quota_type, p_amount);
  -- The user before the subscription, as everybody locks them.
  perform from public.users where id = p_user_id for key share;
  -- Twice: the cycle may have ended, or the tier may have changed while this waited for the row.
  for attempt in 1..2 loop
    update public.subscription as own
    set syncs_used = own.syncs_used + case p_quota_type when 'syncs' then p_amount else 0 end,
      ai_analyses_used = own.ai_analyses_used + case p_quota_type when 'ai_analyses' then p_amount else 0 end,
      seo_submissions_used =
        own.seo_submissions_used + case p_quota_type when 'seo_submissions' then p_amount else 0 end
    from public.subscription_tier as tier
    where own.user_id = p_user_id and own.cycle_end > now()
      and tier.name = private.tier_in_force(own.tier, own.status, own.paid_until)
      and case p_quota_type
        when 'syncs' then own.syncs_used + p_amount <= tier.max_syncs
        when 'ai_analyses' then own.ai_analyses_used + p_amount <= tier.max_ai_analyses
        when 'seo_submissions' then own.seo_submissions_used + p_amount <= tier.max_seo_submissions end;
    if found then
      return true;
    end if;
    if attempt = 1 then
      perform private.roll_cycles(array[p_user_id]);
    end if;
  end loop;
  return false;
end;
$$;
comment on function private.consume_quota(uuid, text, int) is
  'Takes units if that many are left, else none. Lends the right to write subscriptions.';

-- Counts what has happened, or takes it back, without asking: the limit is consume_quota's business.
create function private.adjust_quota(p_user_id uuid, p_quota_type text, p_change int)
returns int
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_used int;
begin
  perform private.check_quota_request(p_quota_type, abs(p_change));
  perform from public.users where id = p_user_id for key share;
  perform private.roll_cycles(array[p_user_id]);
  update public.subscription as own
  set syncs_used = case p_quota_type when 'syncs' then greatest(0, own.syncs_used + p_change)
      else own.syncs_used end,
    ai_analyses_used = case p_quota_type when 'ai_analyses' then greatest(0, own.ai_analyses_used + p_change)
      else own.ai_analyses_used end,
    seo_submissions_used =
      case p_quota_type when 'seo_submissions' then greatest(0, own.seo_submissions_used + p_change)
      else own.seo_submissions_used end
  where own.user_id = p_user_id
  returning case p_quota_type when 'syncs' then own.syncs_used when 'ai_analyses' then own.ai_analyses_used
    else own.seo_submissions_used end into v_used;
  if not found then
    perform private.raise_error('NOT_FOUND', null, 'There is no such user.');
  end if;
  return v_used;
end;
$$;
comment on function private.adjust_quota(uuid, text, int) is
  'Adds to what was used in the current cycle, never below zero; returns the new count. Lends the right to write subscriptions.';

create function public.check_quota(p_user_id uuid, p_quota_type text)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.check_quota(p_user_id, p_quota_type);
$$;
comment on function public.check_quota(uuid, text) is
  'Whether a unit of syncs, ai_analyses or seo_submissions is left. Users ask for themselves, whatever id they pass.';

create function public.consume_quota(p_user_id uuid, p_quota_type text, p_amount int default 1)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.consume_quota(p_user_id, p_quota_type, p_amount);
$$;
comment on function public.consume_quota(uuid, text, int) is
  'Service only. Takes that many units if they are left and says whether it did; no two callers get the last one.';

create function public.increment_quota(p_user_id uuid, p_quota_type text, p_amount int default 1)
returns int
language sql volatile set search_path = ''
as $$
  select private.adjust_quota(p_user_id, p_quota_type, p_amount);
$$;
comment on function public.increment_quota(uuid, text, int) is
  'Service only. Counts units that were used, also beyond the limit; returns what is used now.';

create function public.decrement_quota(p_user_id uuid, p_quota_type text, p_amount int default 1)
returns int
language sql volatile set search_path = ''
as $$
  select private.adjust_quota(p_user_id, p_quota_type, -p_amount);
$$;
comment on function public.decrement_quota(uuid, text, int) is
  'Service only. Gives units of the current cycle back, as far as any were used; returns what is used now.';

revoke all on function
  private.read_quota(uuid, text),
  private.check_quota_request(text, int),
  private.check_quota(uuid, text),
  private.consume_quota(uuid, text, int),
  private.adjust_quota(uuid, text, int),
  public.check_quota(uuid, text),
  public.consume_quota(uuid, text, int),
  public.increment_quota(uuid, text, int),
  public.decrement_quota(uuid, text, int)
from public, anon, authenticated, service_role;
grant execute on function private.check_quota(uuid, text), public.check_quota(uuid, text)
to authenticated, service_role;
grant execute on function
  private.consume_quota(uuid, text, int), private.adjust_quota(uuid, text, int),
  public.consume_quota(uuid, text, int), public.increment_quota(uuid, text, int),
  public.decrement_quota(uuid, text, int)
to service_role;
