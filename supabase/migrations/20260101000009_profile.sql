-- Making and completing a profile, and the address that it gets for good. A slug is chosen at sign-up from
-- what Auth knows, once more when the profile is first completed, and then never again: links stay right
-- whatever the user calls themselves later.

-- What an address must not be: routes of the site, words that speak for the product, words that break.
create table private.reserved_slug (
  word text primary key,
  constraint reserved_slug_is_a_slug check (word ~ '^[a-z0-9]+(-[a-z0-9]+)*$')
);
comment on table private.reserved_slug is 'Slugs that no profile gets as they are.';
alter table private.reserved_slug enable row level security;
revoke all on table private.reserved_slug from public, anon, authenticated, service_role;

insert into private.reserved_slug (word)
select regexp_split_to_table(
  'about abuse account accounts activity admin administrator advertise affiliate ai analytics anonymous anyone api '
  'app apps archive assets auth authorize avatar billing blog bot browse callback cancel careers categories '
  'category cdn channel channels checkout cms community confirm connect contact content cookies copyright '
  'create creator creators dashboard data delete demo dev developer developers discover dmca docs download edit '
  'email embed error everyone everybody explore facebook faq favicon features feed feedback files follow forgot '
  'ftp functions graphql guest health help home host hostmaster http https imprint index info instagram invite '
  'jobs js kids legal library live localhost log login logout mail me media messages metrics mobile moderator '
  'new news nobody none notifications null oauth official onboarding owner page pages password pay payment '
  'payments playlist plans policy popular post posts press premium pricing privacy product profile profiles '
  'public push realtime recover register rest robots root rss sales search security self seo service settings '
  'share shop signin signout signup sitemap smtp sql ssl staff static stats status storage store streamvibe '
  'studio subscribe subscription support sync system tag tags team terms test tiktok tos trending twitter '
  'undefined unsubscribe update upload user username users verified verify video videos watch web webhook '
  'webhooks webmaster welcome well-known worker www xml you your youtube', ' ');

create function private.generate_profile_slug(p_display_name text, p_user_id uuid, p_latin_name text default null)
returns text
language sql volatile set search_path = ''
as $$
  with base as (
    select coalesce(
      nullif(btrim(left(btrim(regexp_replace(name, '[^a-z0-9]+', '-', 'g'), '-'), 40), '-'), ''),
      'creator') as slug
    from private.to_latin(coalesce(nullif(btrim(p_latin_name), ''), p_display_name)) as name
  ),
  candidate as (
    select 1 as attempt, slug from base where slug not in (select word from private.reserved_slug)
    union all
    -- The last digits: the first of a time-ordered id are the same for all who sign up in that minute.
    select 2, slug || '-' || right(p_user_id::text, 8) from base
    union all
    select 3, slug || '-' || replace(p_user_id::text, '-', '') from base
    union all
    -- Whoever knows the id can have called themselves the others.
    select 4, slug || '-' || replace(gen_random_uuid()::text, '-', '') from base
  )
  select candidate.slug
  from candidate
  where not exists (
    select from public.users as taken
    where taken.profile_slug = candidate.slug and taken.id is distinct from p_user_id)
  order by candidate.attempt
  limit 1;
$$;
comment on function private.generate_profile_slug(text, uuid, text) is
  'The nicest free slug for a name, or for its Latin reading where one is given: the name, then with the last 8 digits of the user id, with all 32, with 32 of chance. Volatile: a second call must see who took the first answer.';
revoke all on function private.generate_profile_slug(text, uuid, text) from public, anon, authenticated, service_role;

-- Whatever it raises would break the sign-up itself ("Database error saving new user"), so the
-- user-written metadata is only ever shortened or dropped here, never rejected.
create function private.create_profile()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
declare
  meta constant jsonb := coalesce(new.raw_user_meta_data, '{}');
  wanted_name constant text := left(private.clean_text(coalesce(
    nullif(btrim(meta ->> 'display_name'), ''), nullif(btrim(meta ->> 'full_name'), ''), meta ->> 'name', '')), 100);
  avatar text := meta ->> 'avatar_url';
begin
  -- Two sign-ups may want one slug at once: the unique index decides, the loser takes its next candidate.
  for attempt in 1..4 loop
    begin
      insert into public.users (id, display_name, avatar_url, profile_slug)
      values (new.id, wanted_name, avatar, private.generate_profile_slug(wanted_name, new.id))
      on conflict do nothing;
      exit when found;
    exception when check_violation then
      avatar := null;
    end;
  end loop;
  return new;
end;
$$;
comment on function private.create_profile() is
  'Trigger on auth.users. Lends the right to insert the profile row to whichever role signs the user up.';
revoke all on function private.create_profile() from public, anon, authenticated, service_role;

create trigger _500_create_profile
  after insert on auth.users
  for each row execute function private.create_profile();

create function private.complete_profile(
  p_user_id uuid, p_display_name text, p_bio text, p_category text, p_avatar_url text, p_latin_name text
)
returns public.users
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_before public.users;
  v_after public.users;
  v_violated text;
begin
  select * into v_before from public.users where id = p_user_id for no key update;
  if not found then
    perform private.raise_error('NOT_FOUND', null, 'There is no such user.');
  end if;
  if coalesce(private.clean_text(p_display_name), '') = '' then
    perform private.raise_error('VALIDATION_ERROR', jsonb_build_object('field', 'display_name'),
      'A profile needs a name.');
  end if;

  for attempt in 1..4 loop
    begin
      update public.users as own
      set display_name = p_display_name,
        bio = coalesce(p_bio, own.bio),
        category = coalesce(p_category, own.category),
        avatar_url = coalesce(p_avatar_url, own.avatar_url),
        profile_slug = case
          when own.onboarding_state in ('registered', 'platform_connected')
          then private.generate_profile_slug(p_display_name, p_user_id, p_latin_name)
          else own.profile_slug end,
        onboarding_state = case own.onboarding_state
          when 'registered' then 'profile_completed'
          when 'platform_connected' then 'completed'
          else own.onboarding_state end
      where own.id = p_user_id
      returning * into v_after;
      exit;
    exception
      -- Somebody took the slug since it was found free; the next look sees it taken.
      when unique_violation then
        null;
      when check_violation then
        get stacked diagnostics v_violated = constraint_name;
        perform private.raise_error('VALIDATION_ERROR',
          jsonb_build_object('field', substring(v_violated from '^users_(display_name|bio|category|avatar_url)_')),
          'The profile is not valid.');
    end;
  end loop;
  if v_after.id is null then
    perform private.raise_error('CONFLICT');
  end if;
  if v_after.onboarding_state <> v_before.onboarding_state then
    perform private.write_audit(p_user_id, 'profile.completed',
      jsonb_build_object('onboarding_state', v_after.onboarding_state), p_user_id);
  end if;
  return v_after;
end;
$$;
comment on function private.complete_profile(uuid, text, text, text, text, text) is
  'Fills in a profile and moves its onboarding on. Lends the right to write profiles and to choose slugs.';
revoke all on function private.complete_profile(uuid, text, text, text, text, text)
  from public, anon, authenticated, service_role;
grant execute on function private.complete_profile(uuid, text, text, text, text, text) to service_role;

create function public.complete_profile(
  p_user_id uuid, p_display_name text, p_bio text default null, p_category text default null,
  p_avatar_url text default null, p_latin_name text default null
)
returns table (profile_slug text, is_public boolean, onboarding_state text)
language sql volatile rows 1 set search_path = ''
as $$
  select completed.profile_slug, completed.is_public, completed.onboarding_state
  from private.complete_profile(p_user_id, p_display_name, p_bio, p_category, p_avatar_url, p_latin_name) as completed;
$$;
comment on function public.complete_profile(uuid, text, text, text, text, text) is
  'Service only. Fills in a user''s profile; null keeps what is there. The first time it also chooses the slug, by p_latin_name where the name''s script needs a dictionary.';
revoke all on function public.complete_profile(uuid, text, text, text, text, text)
  from public, anon, authenticated, service_role;
grant execute on function public.complete_profile(uuid, text, text, text, text, text) to service_role;
