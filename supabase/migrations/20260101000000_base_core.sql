-- 000 Base core: the ground rules every later file relies on.
-- The rule to know: nothing is granted unless a migration says so. `public` is the API; `private` is
-- everything else, and the only place where a function may run with its owner's rights.

create schema if not exists extensions;
create extension if not exists pg_trgm with schema extensions;
create extension if not exists btree_gin with schema extensions;

-- The planner takes our short statements over large tables for long ones, and compiling one takes seconds
-- that running it never would: a heartbeat took 3 s with it and 10 ms without. From the next session on.
do $$
begin
  execute format('alter database %I set jit = off', current_database());
exception when insufficient_privilege then
  alter role postgres set jit = off;
end;
$$;

create schema private;
comment on schema private is 'What the API must not see. Definer functions live here, behind invoker wrappers in public.';
revoke all on schema private from public;
-- Usage is what lets an invoker wrapper in public reach the one function it was granted.
grant usage on schema private to authenticated, service_role;

-- Projects differ in what new objects are granted by default; from here on ours get nothing.
-- For PUBLIC only the form without a schema works: per-schema defaults can add rights, not take them.
alter default privileges revoke execute on functions from public;
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public revoke execute on functions from anon, authenticated, service_role;

create function private.update_updated_at()
returns trigger
language plpgsql volatile set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end;
$$;
comment on function private.update_updated_at() is 'Trigger: stamps updated_at on every change of a row.';
revoke all on function private.update_updated_at() from public, anon, authenticated, service_role;
