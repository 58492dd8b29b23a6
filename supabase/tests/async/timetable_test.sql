begin;
\ir ../helpers.psql
select plan(7);

select results_eq($$ select jobname, schedule, command from cron.job where command like 'select private.%' order by 1 $$,
  $$ select name, schedule, command from private.timetable order by 1 $$, 'what runs is what the timetable says');
select is((select schedule from private.timetable where name = 'process-background-jobs'), '10 seconds', 'the tick comes every ten seconds');
select is((select count(*)::int from private.timetable where schedule !~ '^([1-9] seconds|[1-5][0-9] seconds|\S+ \S+ \S+ \S+ \S+)$'), 0,
  'every schedule has five fields, or a number of seconds that pg_cron knows');
select is((select count(*)::int from private.timetable where command !~ '^select private\.[a-z_]+\(\)$'), 0,
  'every schedule calls one named function');

select cron.schedule('tests-retired', '0 0 * * *', 'select private.retired()');
select cron.schedule('tests-foreign', '0 0 * * *', 'select 1');
select private.apply_timetable();
select is((select array_agg(jobname) from cron.job where jobname like 'tests-%'), array['tests-foreign'],
  'apply_timetable() retires what is no longer in it, and leaves what others scheduled');
select is((select count(*)::int from cron.job where command like 'select private.%'), (select count(*)::int from private.timetable),
  'apply_timetable() can be repeated');
select lives_ok($$ select private.keep_house() $$, 'keep_house() runs');

select * from finish();
rollback;
