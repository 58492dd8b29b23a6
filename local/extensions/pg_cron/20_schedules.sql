-- One field of a cron schedule as the list of its values, or null if the real parser refuses it.
-- Vixie's rules with its leniency kept: what follows the last well-formed element is not looked at
-- ("*x" is "*", "5;9" is "5"); a step is refused on a single value and above the field's maximum.
-- Not copied: a reversed range ("30-10") is accepted but sets nothing, where the real parser sets
-- an accidental handful of bits.
create function cron._stand_in_field(p_text text, p_low int, p_high int, p_names text[] default '{}')
returns int[]
language plpgsql immutable set search_path = '' as $$
declare
  rest text := p_text;
  part text[];
  bound int[];
  step int;
  chosen int[] := '{}';
begin
  loop
    part := pg_catalog.regexp_match(
      rest, '^(\*|[A-Za-z0-9]+)(?:(?<!\*)(-)([A-Za-z0-9]*))?(?:(/)([0-9]*))?(.*)$'
    );
    if part is null or (part[4] is not null and part[1] <> '*' and part[2] is null) then
      return null;
    end if;

    bound := array[
      case when part[1] = '*' then p_low else cron._stand_in_number(part[1], p_low, p_names) end,
      case
        when part[1] = '*' then p_high
        when part[2] is null then cron._stand_in_number(part[1], p_low, p_names)
        else cron._stand_in_number(part[3], p_low, p_names)
      end
    ];
    step := case when part[4] is null then 1 else cron._stand_in_number(part[5], 0, '{}') end;
    if (bound[1] between p_low and p_high and bound[2] between p_low and p_high
        and step between 1 and p_high) is not true then
      return null;
    end if;
    chosen := chosen || array(select pg_catalog.generate_series(bound[1], bound[2], step));

    exit when pg_catalog.left(part[6], 1) <> ',' or part[6] = '';
    rest := pg_catalog.substr(part[6], 2);
  end loop;
  return array(select distinct v from pg_catalog.unnest(chosen) v order by v);
end;
$$;

create function cron._stand_in_number(p_text text, p_low int, p_names text[]) returns int
language sql immutable set search_path = '' as $$
  select case
    when pg_catalog.lower(p_text) = any (p_names)
      then pg_catalog.array_position(p_names, pg_catalog.lower(p_text)) - 1 + p_low
    when p_text ~ '^0*[0-9]{1,4}$' then p_text::int
  end;
$$;

-- The one reading of a schedule: cron.schedule() refuses what it refuses, local/scheduler runs
-- what it returns. {"seconds": n}, {"reboot": true}, or the five fields; null when invalid.
create function cron._stand_in_parse(p_schedule text) returns jsonb
language plpgsql immutable set search_path = '' as $$
declare
  -- Leading blanks, blank lines and comment lines are skipped.
  text_in text := pg_catalog.regexp_replace(p_schedule, '^(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*', '');
  macro text := (pg_catalog.regexp_match(text_in, '^@([^ \t\n]*)'))[1];
  field text[];
  seconds text;
  parsed jsonb;
begin
  if macro in ('reboot', 'restart') then
    return '{"reboot": true}';
  end if;
  text_in := case macro
    when 'yearly' then '0 0 1 1 *'
    when 'annually' then '0 0 1 1 *'
    when 'monthly' then '0 0 1 * *'
    when 'weekly' then '0 0 * * 0'
    when 'daily' then '0 0 * * *'
    when 'midnight' then '0 0 * * *'
    when 'hourly' then '0 * * * *'
    else text_in
  end;

  -- Five fields are read; a sixth, or any text after the fifth, is silently ignored.
  field := pg_catalog.regexp_match(
    text_in,
    '^([^ \t\n]+)[ \t]+([^ \t\n]+)[ \t]+([^ \t\n]+)[ \t]+([^ \t\n]+)[ \t]+([^ \t\n]+)'
  );
  if field is not null then
    parsed := pg_catalog.jsonb_build_object(
      'minute', cron._stand_in_field(field[1], 0, 59),
      'hour', cron._stand_in_field(field[2], 0, 23),
      'dom', case when field[3] = '$' then '{}' else cron._stand_in_field(field[3], 1, 31) end,
      'month', cron._stand_in_field(
        field[4], 1, 12,
        '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'
      ),
      'dow', cron._stand_in_field(field[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}'),
      'minute_star', field[1] like '*%',
      'hour_star', field[2] like '*%',
      'dom_star', field[3] like '*%',
      'dow_star', field[5] like '*%',
      'dom_last', field[3] = '$'
    );
    if not pg_catalog.jsonb_path_exists(parsed, '$.* ? (@ == null)') then
      return parsed;
    end if;
  end if;

  seconds := (pg_catalog.regexp_match(
    pg_catalog.lower(p_schedule), '^\s*\+?(\d{1,9})\s*second(?:s\s*)?$'
  ))[1];
  if seconds::int between 1 and 59 then
    return pg_catalog.jsonb_build_object('seconds', seconds::int);
  end if;
  return null;
end;
$$;
