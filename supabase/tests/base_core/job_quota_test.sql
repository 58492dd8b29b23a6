begin;
\ir ../helpers.psql
select plan(37);

select tests.create_user('ana'), tests.create_user('ben'), tests.create_user('cleo');
create function tests.job(p_number int) returns uuid language sql immutable as $$ select md5('job ' || p_number)::uuid $$;
create function tests.charge(p_name text, p_type text, variadic p_jobs int[]) returns void language sql volatile as $$
  select private.charge_job_quotas(array_agg(tests.job(n)), array_agg(tests.user_id(p_name)), array_agg(p_type))
  from unnest(p_jobs) as n
$$;
create function tests.give_back(variadic p_jobs int[]) returns int language sql volatile as $$
  select private.give_back_job_quotas(array_agg(tests.job(n))) from unnest(p_jobs) as n
$$;
create function tests.used(p_name text) returns int[] language sql stable as $$
  select array[syncs_used, ai_analyses_used, seo_submissions_used] from public.subscription where user_id = tests.user_id(p_name)
$$;
create function tests.detail_of(p_statement text) returns jsonb language plpgsql volatile as $$
declare
  detail text;
begin
  execute p_statement;
  return null;
exception when others then
  get stacked diagnostics detail = pg_exception_detail;
  return nullif(detail, '')::jsonb;
end
$$;

select lives_ok($$ select private.charge_job_quotas('{}', '{}', '{}') $$, 'charge_job_quotas() of no job does nothing');
select lives_ok($$ select private.charge_job_quotas(null, null, null) $$, 'nor of none at all');
select tests.charge('ana', 'syncs', 1);
select is(tests.used('ana'), '{1,0,0}', 'charge_job_quotas() takes a unit for a job');
select results_eq($$ select job_id, user_id, quota_type, cycle_start, given_back_at from private.job_quota $$,
  $$ select tests.job(1), user_id, 'syncs', cycle_start, null::timestamptz from public.subscription where user_id = tests.user_id('ana') $$,
  'and notes from which cycle');
select tests.charge('ana', 'syncs', 1);
select is(tests.used('ana'), '{1,0,0}', 'a job that has paid does not pay again');
select tests.charge('ana', 'ai_analyses', 2, 3, 4);
select is(tests.used('ana'), '{1,3,0}', 'charge_job_quotas() takes a unit for each of many jobs');
select private.charge_job_quotas(array[tests.job(5), tests.job(6), tests.job(7), tests.job(8)],
  array[tests.user_id('ben'), tests.user_id('ana'), tests.user_id('ana'), tests.user_id('cleo')],
  array['syncs', 'syncs', 'ai_analyses', 'ai_analyses']);
select is(array[tests.used('ana'), tests.used('ben'), tests.used('cleo')], '{{2,4,0},{1,0,0},{0,1,0}}',
  'of many users and quotas each is charged its own');
select private.charge_job_quotas(array[tests.job(9), tests.job(10)], array[null, tests.user_id('ana')], array['syncs', null]);
select is(array[tests.used('ana'), tests.used('ben')], '{{2,4,0},{1,0,0}}', 'jobs of nobody and jobs of no quota cost nothing');
select is((select count(*) from private.job_quota where job_id in (tests.job(9), tests.job(10))), 0::bigint, 'and leave no note');

-- Too many
select is(tests.error_of($$ select tests.charge('ana', 'seo_submissions', 11) $$), 'QUOTA_EXCEEDED', 'what there is not is refused');
select is(tests.error_of($$ select tests.charge('ana', 'syncs', 11, 12, 13, 14, 15, 16, 17, 18, 19) $$), 'QUOTA_EXCEEDED',
  'nine where eight are left are refused');
select is(tests.used('ana'), '{2,4,0}', 'and nothing is taken');
select is((select count(*) from private.job_quota where job_id = tests.job(11)), 0::bigint, 'nor noted');
select is(tests.error_of(format($$ select private.charge_job_quotas(%L, %L, '{syncs,seo_submissions}') $$,
    array[tests.job(11), tests.job(12)], array[tests.user_id('ben'), tests.user_id('ana')])), 'QUOTA_EXCEEDED',
  'one user who has none left stops the whole statement');
select is(tests.used('ben'), '{1,0,0}', 'which then charges nobody');
select is(tests.detail_of($$ select tests.charge('ana', 'syncs', 11, 12, 13, 14, 15, 16, 17, 18, 19) $$) - '{resets_at,retry_after}'::text[],
  '{"quota": "syncs", "limit": 10, "used": 2}'::jsonb, 'the refusal says which quota, its limit and what is used');
select ok((select (detail ->> 'resets_at')::timestamptz = cycle_end and (detail ->> 'retry_after')::numeric > 0
    from public.subscription, tests.detail_of($$ select tests.charge('ana', 'seo_submissions', 11) $$) as detail
    where user_id = tests.user_id('ana')), 'and when there will be more');
select is(tests.error_of(format($$ select private.charge_job_quotas('{%s}', '{%s}', '{syncs}') $$, tests.job(20), gen_random_uuid())),
  'QUOTA_EXCEEDED', 'who has no subscription has no quota');
update public.subscription set seo_submissions_used = 50 where user_id = tests.user_id('ana');
select lives_ok($$ select tests.charge('ana', 'syncs', 21) $$, 'a quota that is overdrawn from a larger tier stops no other');

-- Back
select is(tests.give_back(1), 1, 'give_back_job_quotas() gives a unit back');
select is(tests.used('ana'), '{2,4,50}', 'to whom it was taken from');
select is(tests.give_back(1), 0, 'once');
select is(tests.used('ana'), '{2,4,50}', 'and only once');
select is(tests.give_back(2, 3, 5, 1, 99), 3, 'of many those that are not yet given back, of jobs that were charged');
select is(array[tests.used('ana'), tests.used('ben')], '{{2,2,50},{0,0,0}}', 'each to its own');
select is(private.give_back_job_quotas('{}'), 0, 'nothing is given back for nothing');
select tests.charge('ana', 'syncs', 1);
select is(tests.used('ana'), '{3,2,50}', 'a job that runs again pays again');
select is(tests.give_back(1), 1, 'and gets it back again');

-- A cycle that is over
select tests.charge('ben', 'syncs', 30, 31);
update public.subscription set cycle_start = now() - interval '2 months', cycle_end = now() - interval '1 month', syncs_used = 10
where user_id = tests.user_id('ben');
update private.job_quota set cycle_start = now() - interval '2 months' where user_id = tests.user_id('ben');
select lives_ok($$ select tests.charge('ben', 'syncs', 32) $$, 'a cycle that has ended is closed by who needs the next');
select is(tests.used('ben'), '{1,0,0}', 'the unit is the new cycle''s');
select is(tests.give_back(30), 0, 'a unit of the old cycle is not given back to the new one');
select is(tests.used('ben'), '{1,0,0}', 'which keeps its count');
select tests.charge('ben', 'syncs', 30);
select is(tests.used('ben'), '{2,0,0}', 'and if that job runs again, it pays from the new one');

select private.forget_job_quotas(array[tests.job(32), tests.job(99)]);
select is((select count(*) from private.job_quota where job_id = tests.job(32)), 0::bigint, 'forget_job_quotas() drops the note');
select is(tests.used('ben'), '{2,0,0}', 'and gives nothing back');
select lives_ok($$ select private.forget_job_quotas('{}'), private.forget_job_quotas(null) $$, 'also of nothing');

select tests.become_user('ana');
select throws_ok($$ select private.give_back_job_quotas('{}') $$, '42501', null, 'users give themselves nothing back');

select * from finish();
rollback;
