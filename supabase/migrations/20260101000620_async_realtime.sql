-- Telling the owner: every visible change of a job is one broadcast `job_update` on the private topics
-- job_status:<job id> and user_jobs:<user id>, which only the owner may join. Sent by the triggers in
-- async_job_changes.sql and async_job_updates.sql, once per statement however many jobs it changes; it is news,
-- not truth: a lost message never costs a write.

-- Half of what telling costs are the two indexes of realtime.messages. So a message has an id and a time of its
-- own that grow, here the moment of the statement and the message's number: what is sent together stands together
-- in both, and is replayed in the order in which it was sent.
create sequence private.job_update_number maxvalue 899999999999 cache 100 cycle;
comment on sequence private.job_update_number is
  'Numbers messages, with 12 digits once 100 000 000 000 is added; to count them in the statement costs more.';
revoke all on sequence private.job_update_number from public, anon, authenticated, service_role;

create type private.job_update as (
  seq bigint,
  job_id uuid,
  status text,
  user_id uuid,
  job_type text,
  error_code text,
  updated_at timestamptz,
  error_message text,
  progress_message text,
  progress_percent smallint
);
comment on type private.job_update is
  'What is told of a job. In the order that jsonb keeps names in: sorting them is a third of making it.';

create function private.job_of_topic(p_topic text)
returns uuid
language sql immutable set search_path = ''
as $$
  -- Cast only what is a UUID: a topic is whatever a client cares to send.
  select case
    when p_topic ~ '^job_status:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      then substr(p_topic, 12)::uuid
  end;
$$;
comment on function private.job_of_topic(text) is 'The job a topic job_status:<id> is about, else null.';
revoke all on function private.job_of_topic(text) from public, anon, authenticated, service_role;
grant execute on function private.job_of_topic(text) to authenticated;

-- Receiving only. There is no insert policy: what is said on these topics, the database says.
create policy select_own_job_topics on realtime.messages
  for select to authenticated
  using (
    extension = 'broadcast' and (
      (select realtime.topic()) = 'user_jobs:' || (select auth.uid())
      or exists (
        select from public.job_queue as job
        where job.id = (select private.job_of_topic(realtime.topic()))
          and job.user_id = (select auth.uid())
      )
    )
  );

-- For clients that use postgres_changes; row level security decides what each of them receives.
do $$
declare
  v_table text;
begin
  foreach v_table in array array['job_queue', 'job_log'] loop
    if exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime')
      and not exists (
        select from pg_catalog.pg_publication_rel
        join pg_catalog.pg_publication as publication on publication.oid = prpubid
        where pubname = 'supabase_realtime' and prrelid = ('public.' || v_table)::regclass)
    then
      execute format('alter publication supabase_realtime add table public.%I', v_table);
    end if;
  end loop;
  -- Else lines of the log would be announced as rows of a daily partition that no client asks for.
  if exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    alter publication supabase_realtime set (publish_via_partition_root = true);
  end if;
end;
$$;
