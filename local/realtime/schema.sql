-- Schema realtime, as the hosted image has it before any migration of ours runs.
--
-- Applied by the superuser supabase_admin at every start of the stack, so every statement can be
-- repeated. Expects the roles postgres, anon, authenticated and service_role. Migrations may rely on:
-- realtime.messages (policies only), realtime.send(), realtime.send_binary(),
-- realtime.broadcast_changes(), realtime.topic(), and the empty publication supabase_realtime.

do $$
begin
  if to_regrole('supabase_realtime_admin') is null then
    create role supabase_realtime_admin nologin noinherit;
  end if;
  if not pg_has_role('postgres', 'supabase_realtime_admin', 'usage') then
    -- Hosted lets postgres create policies on realtime.messages through an extension of the server
    -- that is not here. Membership in the owner is the documented way without it.
    grant supabase_realtime_admin to postgres;
  end if;
end
$$;

create schema if not exists realtime;
grant usage on schema realtime to postgres, anon, authenticated, service_role;
grant usage on schema realtime to supabase_realtime_admin;

create table if not exists realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default now(),
  inserted_at timestamp not null default now(),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea,
  constraint messages_pkey primary key (id, inserted_at),
  constraint messages_payload_exclusive check (payload is null or binary_payload is null)
) partition by range (inserted_at);

alter table realtime.messages owner to supabase_realtime_admin;
alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to postgres, anon, authenticated, service_role;

-- Serves replay: the newest private broadcasts of one topic.
create index if not exists messages_inserted_at_topic_index
  on realtime.messages (inserted_at desc, topic)
  where extension = 'broadcast' and private is true;

-- Partitions are made ahead because there is no default partition: an insert without one fails. A
-- session may run in any time zone, hence yesterday as well.
create or replace function realtime.keep_partitions()
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_day date;
  v_name text;
begin
  -- Two starters must not both find the same partition missing.
  perform pg_advisory_xact_lock(hashtext('realtime.keep_partitions'));

  for v_day in
    select generate_series(current_date - 1, current_date + 5, interval '1 day')::date
  loop
    v_name := 'messages_' || to_char(v_day, 'YYYY_MM_DD');
    if to_regclass(format('realtime.%I', v_name)) is null then
      execute format(
        'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
        v_name, v_day, v_day + 1
      );
      execute format('alter table realtime.%I owner to supabase_realtime_admin', v_name);
    end if;
  end loop;

  for v_name in
    select c.relname
    from pg_inherits as i
    join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'realtime.messages'::regclass
      -- The planner may look at other parents' partitions first, whose names are no dates.
      and case when c.relname ~ '^messages_\d{4}_\d\d_\d\d$'
        then to_date(right(c.relname, 10), 'YYYY_MM_DD') < current_date - 3 else false end
  loop
    execute format('drop table realtime.%I', v_name);
  end loop;
end
$$;
comment on function realtime.keep_partitions() is
  'Makes the daily partitions of realtime.messages ahead of time and drops those older than 72 hours.';
revoke execute on function realtime.keep_partitions() from public;

select realtime.keep_partitions();

create or replace function realtime.topic()
returns text
language sql
stable
as $$
  select nullif(current_setting('realtime.topic', true), '')::text
$$;
comment on function realtime.topic() is
  'The topic that is being joined or written to; the thing to compare with in a policy on realtime.messages.';

create or replace function realtime.send(
  payload jsonb,
  event text,
  topic text,
  private boolean default true
)
returns void
language plpgsql
as $$
declare
  v_id uuid := gen_random_uuid();
begin
  begin
    perform set_config('realtime.topic', send.topic, true);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (
      v_id,
      case
        when send.payload ? 'id' then send.payload
        else jsonb_set(send.payload, '{id}', to_jsonb(v_id))
      end,
      send.event, send.topic, send.private, 'broadcast'
    );
  exception when others then
    -- The contract: a message that cannot be sent never fails the transaction that sends it.
    raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
  end;
end
$$;
comment on function realtime.send(jsonb, text, text, boolean) is
  'Broadcasts a JSON message to a topic when the transaction commits.';

create or replace function realtime.send_binary(
  payload bytea,
  event text,
  topic text,
  private boolean default true
)
returns void
language plpgsql
as $$
begin
  begin
    perform set_config('realtime.topic', send_binary.topic, true);
    insert into realtime.messages (binary_payload, event, topic, private, extension)
    values (
      send_binary.payload, send_binary.event, send_binary.topic, send_binary.private, 'broadcast'
    );
  exception when others then
    raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
  end;
end
$$;
comment on function realtime.send_binary(bytea, text, text, boolean) is
  'Broadcasts raw bytes to a topic when the transaction commits.';

create or replace function realtime.broadcast_changes(
  topic_name text,
  event_name text,
  operation text,
  table_name text,
  table_schema text,
  new record,
  old record,
  level text default 'ROW'
)
returns void
language plpgsql
as $$
declare
  v_payload jsonb;
begin
  if level = 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation is null or operation not in ('INSERT', 'UPDATE', 'DELETE') then
    raise exception 'Unexpected operation type: %', operation;
  end if;

  v_payload := jsonb_build_object(
    'old_record', old, 'record', new, 'operation', operation,
    'table', table_name, 'schema', table_schema
  );
  perform realtime.send(v_payload, event_name, topic_name);
exception when others then
  raise exception 'Failed to process the row: %', sqlerrm;
end
$$;
comment on function realtime.broadcast_changes(text, text, text, text, text, record, record, text) is
  'Broadcasts one changed row to a private topic; to be called from a row trigger.';

do $$
begin
  if to_regtype('realtime.equality_op') is null then
    create type realtime.equality_op as enum ('eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'in');
  end if;
  if to_regtype('realtime.user_defined_filter') is null then
    create type realtime.user_defined_filter as (
      column_name text, op realtime.equality_op, value text
    );
  end if;
end
$$;

-- Here the hosted server keeps its open subscriptions. The local one has them in memory and leaves
-- the table empty; it exists for what is written against the schema.
create unlogged table if not exists realtime.subscription (
  id bigint generated always as identity,
  subscription_id uuid not null,
  entity regclass not null,
  filters realtime.user_defined_filter[] not null default '{}',
  claims jsonb not null,
  claims_role text not null generated always as (claims ->> 'role') stored,
  action_filter text default '*',
  created_at timestamp not null default timezone('utc', now()),
  constraint pk_subscription primary key (id),
  constraint subscription_action_filter_check
    check (action_filter in ('*', 'INSERT', 'UPDATE', 'DELETE'))
);
create index if not exists ix_realtime_subscription_entity on realtime.subscription (entity);
grant select on realtime.subscription to postgres, anon, authenticated, service_role;
alter table realtime.subscription enable row level security;

do $$
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
    alter publication supabase_realtime owner to postgres;
  end if;
  if not exists (
    select from pg_publication where pubname = 'supabase_realtime_messages_publication'
  ) then
    -- By way of the root: readers must see one table, not one per day.
    create publication supabase_realtime_messages_publication
      for table realtime.messages with (publish = 'insert', publish_via_partition_root = true);
  end if;
end
$$;
