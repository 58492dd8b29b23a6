-- Telling the owner: every visible change of a job is one broadcast `job_update` on the private topics
-- job_status:<job id> and user_jobs:<user id>, which only the owner may join. Sent by the database, once
-- per statement however many jobs it changes; it is news, not truth: a lost message never costs a write.

create function private.broadcast_jobs(p_jobs public.job_queue[], p_is_new boolean)
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  if p_jobs is null then
    return;
  end if;
  insert into realtime.messages (topic, extension, payload, event, private)
  select topic.name, 'broadcast', news.payload, 'job_update', true
  from unnest(p_jobs) as job
  cross join lateral (
    select jsonb_build_object(
      'job_id', job.id,
      'user_id', job.user_id,
      'job_type', job.job_type,
      'status', job.status,
      'progress_percent', job.progress_percent,
      'progress_message', job.progress_message,
      'error_code', job.error_code,
      'error_message', job.error_message,
      'seq', job.seq,
      'updated_at', job.updated_at
    ) || case
      when job.parent_job_id is not null then jsonb_build_object('parent_job_id', job.parent_job_id)
      else '{}'
    end || case
      -- A larger result is fetched by the client.
      when job.result is not null and octet_length(job.result::text) <= 32768
        then jsonb_build_object('result', job.result)
      else '{}'
    end as payload
    offset 0
  ) as news
  cross join lateral (
    values ('user_jobs:' || job.user_id),
      -- Nobody can listen on a topic whose id is not known yet.
      (case when not p_is_new then 'job_status:' || job.id end)
  ) as topic (name)
  where topic.name is not null;
exception when others then
  raise warning 'job_update was not broadcast: %', sqlerrm;
end;
$$;
comment on function private.broadcast_jobs(public.job_queue[], boolean) is
  'Sends job_update for these jobs in one insert; a failure (say, no partition) is a warning.';

create function private.notify_job_changes(p_changes jsonb[])
returns void
language plpgsql volatile set search_path = ''
as $$
begin
  -- NOTIFY makes commits queue up for a moment, so it is for changes of status only, a few per statement
  -- (a payload holds less than 8 000 bytes), and can be switched off in one place.
  if p_changes is not null and (select notify_status_changes from private.job_setting) then
    for v_first in 1..cardinality(p_changes) by 30 loop
      perform pg_notify('job_status_changed', to_jsonb(p_changes[v_first:v_first + 29])::text);
    end loop;
  end if;
end;
$$;
comment on function private.notify_job_changes(jsonb[]) is
  'Tells SQL-side listeners which jobs changed their status: JSON arrays of up to 30 {job_id, user_id, job_type, status, seq}.';

revoke all on function
  private.broadcast_jobs(public.job_queue[], boolean),
  private.notify_job_changes(jsonb[])
from public, anon, authenticated, service_role;

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
