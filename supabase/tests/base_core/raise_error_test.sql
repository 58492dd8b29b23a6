begin;
\ir ../helpers.psql
select plan(9);

select throws_ok($$ select private.raise_error('NOT_FOUND') $$, 'PT404', 'There is no such thing.',
  'raise_error() gives the status in the SQLSTATE and the catalogue''s sentence');
select is(tests.error_of($$ select private.raise_error('LEASE_LOST') $$), 'LEASE_LOST',
  'raise_error() carries the code in the hint');
select throws_ok($$ select private.raise_error('CONFLICT', null, 'Taken.') $$, 'PT409', 'Taken.',
  'raise_error() takes a sentence of the caller''s');
select throws_ok($$ select private.raise_error('NO_SUCH_CODE') $$, 'XX000', null,
  'raise_error() refuses a code that is not in the catalogue');

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
select is(tests.detail_of($$ select private.raise_error('CONFLICT', '{"platform": "youtube"}') $$),
  '{"platform": "youtube"}'::jsonb,
  'raise_error() carries details as JSON');

select is(tests.detail_of($$ select private.raise_error('CONFLICT') $$), null,
  'raise_error() has no details when none are given');

select is_empty($$ select code from private.error_code where message !~ '[.]$' $$,
  'every message is a sentence');

select tests.become_user('ana');
select throws_ok($$ select private.raise_error('FORBIDDEN') $$, 'PT403', null,
  'an invoker wrapper called by a user can raise a catalogued error');
select throws_ok($$ select code from private.error_code $$, '42501', null,
  'a user cannot read the catalogue');

select * from finish();
rollback;
