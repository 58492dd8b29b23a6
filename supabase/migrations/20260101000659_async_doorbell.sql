-- How a sleeping worker is woken at once, between two ticks. The table is the truth and the doorbell only a hint:
-- one that is lost costs at most the ten seconds until the next tick.

-- When the doorbell last rang, in milliseconds. A sequence, because it needs no row lock and is seen by
-- others at once: a hundred inserts in a second ring once, and none of them waits.
create sequence private.doorbell_clock as bigint minvalue 0 start with 0;
revoke all on sequence private.doorbell_clock from public, anon, authenticated, service_role;
-- The transaction that rang it. The call goes out at its commit, and what is rolled back has woken nobody.
create sequence private.doorbell_ringer as bigint minvalue 0 start with 0;
revoke all on sequence private.doorbell_ringer from public, anon, authenticated, service_role;
-- Until when it is in vain to ring, in milliseconds, so that most enqueues need not ask who is there. A worker that
-- has room puts it back with each heartbeat.
create sequence private.doorbell_hush as bigint minvalue 0 start with 0;
revoke all on sequence private.doorbell_hush from public, anon, authenticated, service_role;

create function private.doorbell_ring_status()
returns text
language plpgsql volatile set search_path = ''
as $$
begin
  return pg_xact_status((select last_value from private.doorbell_ringer)::text::xid8);
exception when invalid_parameter_value then
  -- Of another cluster, from which the database was restored: to come, in this one.
  return null;
end;
$$;
comment on function private.doorbell_ring_status() is
  'What became of the transaction that rang last: in progress, committed, aborted; null = long ago.';

create function private.doorbell_is_due()
returns boolean
language plpgsql volatile set search_path = ''
as $$
declare
  v_now constant bigint := extract(epoch from clock_timestamp()) * 1000;
begin
  if (select v_now - last_value < 1000 from private.doorbell_clock)
    and private.doorbell_ring_status() is distinct from 'aborted'
  then
    return false;
  end if;
  -- Of those that meet here, one rings. The lock is of this second only: whoever keeps it in a long
  -- transaction is in nobody's way in the next one, and there is nothing to unlock and to forget.
  if not pg_try_advisory_xact_lock(hashtextextended('doorbell_clock', v_now / 1000)) then
    return false;
  end if;
  -- Once more, for who came to the lock when the one before had left it.
  if (select v_now - last_value < 1000 from private.doorbell_clock)
    and private.doorbell_ring_status() is distinct from 'aborted'
  then
    return false;
  end if;
  perform setval('private.doorbell_ringer', pg_current_xact_id()::text::bigint);
  perform setval('private.doorbell_clock', v_now);
  return true;
end;
$$;
comment on function private.doorbell_is_due() is 'True for one caller a second, and for another one when that one was rolled back.';

create function private.ring_doorbell()
returns text
language plpgsql volatile set search_path = ''
as $$
declare
  v record;
  v_is_due boolean;
begin
  select live, idle, (select max_workers from private.job_setting) as max_workers
  into v
  from private.live_workers();
  if v.idle > 0 then
    perform pg_notify('job_ready', '');
    return 'notified';
  elsif v.live >= v.max_workers then
    perform setval('private.doorbell_hush', (date_part('epoch', clock_timestamp()) * 1000)::bigint + 1000);
    return 'busy';
  end if;
  v_is_due := private.doorbell_is_due();
  -- A second from a call that has gone out. One that may yet be rolled back is asked about again soon: only who
  -- commits before it is waits for the tick.
  perform setval('private.doorbell_hush', case
    when not v_is_due and private.doorbell_ring_status() = 'committed'
      then pg_sequence_last_value('private.doorbell_clock') + 1000
    else (date_part('epoch', clock_timestamp()) * 1000)::bigint + 20
  end);
  if not v_is_due then
    return 'coalesced';
  end if;

  begin
    perform private.invoke_function('job-processor');
  exception when others then
    raise warning 'the doorbell did not ring: %', sqlerrm;
    return 'failed';
  end;
  return 'rang';
end;
$$;
comment on function private.ring_doorbell() is
  'Tells workers that work waits: a notification when one is idle, else, once a second at most, a call that starts one. Never fails.';

create function private.tg_job_worker__listen()
returns trigger
language plpgsql volatile security definer set search_path = ''
as $$
begin
  -- Seen at once, the row at commit: a ring between the two is told that nobody is there, and what comes in the
  -- second after it waits for the next heartbeat, or for the tick.
  perform setval('private.doorbell_hush', 0);
  return null;
end;
$$;
comment on function private.tg_job_worker__listen() is
  'Trigger: a worker that has room hears of every job. Lends the right to end the hush of the doorbell.';

create trigger _100_listen
  after insert or update on public.job_worker
  for each row when (new.in_flight < new.capacity and not new.is_draining)
  execute function private.tg_job_worker__listen();

revoke all on function
  private.doorbell_ring_status(),
  private.doorbell_is_due(),
  private.ring_doorbell(),
  private.tg_job_worker__listen()
from public, anon, authenticated, service_role;
