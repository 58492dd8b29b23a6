-- Every function really called by whoever may not, and every function that users may call asked for the
-- things of somebody else.
begin;
\ir ../helpers.psql
\ir ../async/jobs.psql
\ir decisions.psql
\ir matrix.psql
\ir belongings.psql
select plan(10);

create table tests.knocked as
select name, who, tests.try(who, empty_call) as outcome
from tests.our_function
join tests.function_decision using (name)
cross join unnest(array['anon', 'owner', 'service']) as who
-- A trigger's function takes no call from anybody; a strict one is not even called with nothing in its hands.
where not is_trigger and not proisstrict and case who
  when 'anon' then true
  when 'owner' then callers not in ('users', 'users, service')
  else callers not in ('service', 'users, service') end;

select cmp_ok((select count(*) from tests.knocked), '>', 150::bigint, 'there are calls to look at');
select is_empty($$
  select name, who, outcome from tests.knocked where outcome <> 'refused'
$$, 'a call by whoever may not is refused before anything is done');

-- What users may call

select is_empty($$
  select short_name from tests.our_function
  join tests.function_decision using (name)
  where callers in ('users', 'users, service')
  except select function_name from tests.call_decision
$$, 'every function that users may call has its calls in decisions.psql');

select is_empty($$
  select function_name from tests.call_decision
  except
  select short_name from tests.our_function
  join tests.function_decision using (name)
  where callers in ('users', 'users, service')
$$, 'every call in decisions.psql is of a function that users may call');

select is_empty($$
  select short_name from tests.our_function
  join tests.function_decision using (name)
  where callers in ('users', 'users, service')
  group by short_name having count(*) > 1
$$, 'no two functions that users may call share a name');

-- Asks as somebody, and undoes what it did: the outcome, what of the owner's stands in the answer, and
-- whether anything of the owner's had changed.
create function tests.ask(p_who text, p_call text, out outcome text, out leak text, out is_changed boolean)
language plpgsql volatile
as $$
declare
  before constant text := tests.owners_state();
  answer text;
begin
  begin
    perform tests.become(p_who);
    execute format('select nullif(jsonb_agg(to_jsonb(answer)), ''[null]'')::text from %s as answer', p_call) into answer;
    outcome := case when answer is null then 'nothing' else 'something' end;
    perform tests.become_postgres();
    is_changed := tests.owners_state() <> before;
    raise exception using errcode = 'TRIED';
  exception when others then
    if sqlstate <> 'TRIED' then
      get stacked diagnostics outcome = pg_exception_hint;
      outcome := case when sqlstate = '42501' then 'refused' when sqlstate like 'PT%' then outcome else sqlstate end;
    end if;
  end;
  -- What was asked with may come back; what was not must not.
  select string_agg(secret, ', ') into leak
  from (
    select 'private matter' union all
    select distinct key ->> part from tests.belonging cross join generate_series(0, 1) as part
    where length(key ->> part) = 36
  ) as known (secret)
  where strpos(answer, secret) > 0 and strpos(p_call, secret) = 0;
end
$$;

-- Whoever asks: row level security would keep it from a stranger.
create function tests.content_id() returns uuid
language sql stable security definer
as $$ select id from public.content_item where user_id = tests.user_id('owner') $$;

create table tests.asked as
select decision.*, who, asked.*
from (
  select function_name, owner_gets, stranger_gets,
    replace(replace(replace(replace(replace(call,
      '$content', tests.content_id()::text),
      '$job', tests.belonging_id('job')::text),
      '$failed_job', tests.belonging_id('failed job')::text),
      '$owner', tests.user_id('owner')::text),
      '$account', tests.account_id('owner')::text) as call
  from tests.call_decision
) as decision
cross join unnest(array['owner', 'stranger', 'anon']) as who
cross join lateral tests.ask(who, call) as asked;

select is_empty($$
  select call, outcome from tests.asked where who = 'owner' and outcome <> owner_gets
$$, 'an owner gets what was decided: there is something to be had');
select is_empty($$
  select call, outcome from tests.asked where who = 'stranger' and outcome <> stranger_gets
$$, 'a stranger gets what was decided');
select is_empty($$
  select call, leak from tests.asked where who = 'stranger' and leak is not null
$$, 'nothing of the owner''s stands in an answer to a stranger');
select is_empty($$
  select call from tests.asked where who = 'stranger' and is_changed
$$, 'no call of a stranger changes anything of the owner''s');
select is_empty($$
  select call, outcome from tests.asked where who = 'anon' and outcome <> 'refused'
$$, 'anon is refused every call');

select * from finish();
rollback;
