-- Stand-in for pg_net. The real worker is a C background process; here local/scheduler plays it,
-- woken by a NOTIFY, which PostgreSQL delivers at commit and drops on rollback: the same promise.
-- Known difference: a transaction that rang cannot be PREPAREd (a real one can, but never wakes).

-- The real extension leaves the schema behind on drop, so it may be here already.
create schema if not exists net;

create domain net.http_method as text
  check (lower(value) in ('get', 'post', 'delete'));

create unlogged table net.http_request_queue (
  id bigserial,
  method net.http_method not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds int not null
);

create unlogged table net._http_response (
  id bigint,
  status_code int,
  content_type text,
  headers jsonb,
  content text,
  timed_out bool,
  error_msg text,
  created timestamptz not null default now()
);

create index on net._http_response (created);

create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create type net.http_response as (status_code int, headers jsonb, body text);
create type net.http_response_result as (
  status net.request_status,
  message text,
  response net.http_response
);

-- The scheduler holds this advisory lock for as long as its worker lives; pg_locks, unlike
-- pg_stat_activity, is not frozen within a transaction, so a waiting loop sees it appear.
create function net._stand_in_worker_is_up() returns bool
language sql volatile set search_path = '' as $$
  select exists (
    select from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.granted
      and l.database = (select d.oid from pg_catalog.pg_database d
                        where d.datname = pg_catalog.current_database())
      and l.classid = 1885957743 and l.objid = 1 and l.objsubid = 2
  );
$$;

create function net.check_worker_is_up() returns void
language plpgsql as $$
begin
  if not net._stand_in_worker_is_up() then
    raise exception using
      message = 'the pg_net background worker is not up',
      detail = 'the pg_net background worker is down due to an internal error and cannot process requests',
      hint = 'make sure that you didn''t modify any of pg_net internal tables';
  end if;
end;
$$;
comment on function net.check_worker_is_up() is
  'raises an exception if the pg_net background worker is not up, otherwise it doesn''t return anything';

create function net.wait_until_running() returns void
language plpgsql as $$
begin
  while not net._stand_in_worker_is_up() loop
    perform pg_catalog.pg_sleep(0.05);
  end loop;
end;
$$;
comment on function net.wait_until_running() is 'waits until the worker is running';

create function net.wake() returns void
language sql as $$ select pg_catalog.pg_notify('pg_net_wake', ''); $$;

create function net.worker_restart() returns bool
language sql as $$ select pg_catalog.pg_notify('pg_net_wake', 'restart') is not null; $$;

create function net._urlencode_string(string varchar) returns text
language sql immutable as $$
  select case when string = '' then '' else (
    select pg_catalog.string_agg(
      case
        when b in (45, 46, 95, 126) or b between 48 and 57 or b between 65 and 90 or b between 97 and 122
          then pg_catalog.chr(b)
        else '%' || pg_catalog.upper(pg_catalog.lpad(pg_catalog.to_hex(b), 2, '0'))
      end, '' order by i)
    from (select pg_catalog.convert_to(string, 'UTF8') as bytes) s,
      lateral pg_catalog.generate_series(0, pg_catalog.length(s.bytes) - 1) i,
      lateral pg_catalog.get_byte(s.bytes, i) b
  ) end;
$$;

-- The real one hands the url to libcurl, which refuses what has no scheme or no host, lower-cases
-- the scheme, gives a bare host the path "/", and puts the query before a fragment.
create function net._encode_url_with_params_array(url text, params_array text[]) returns text
language plpgsql immutable as $$
declare
  parts text[];
  query text;
begin
  if url is null or params_array is null then
    return null;
  end if;
  parts := pg_catalog.regexp_match(
    url, '^([A-Za-z][A-Za-z0-9+.-]*)://([^/?#[:space:]]*)([^?#[:space:]]*)(\?[^#[:space:]]*)?(#\S*)?$'
  );
  if parts is null or parts[2] = '' or pg_catalog.lower(parts[1]) not in ('http', 'https', 'ftp', 'ftps') then
    raise exception 'invalid URL "%": %', url, case
      when url !~ '^[A-Za-z][A-Za-z0-9+.-]*:' then 'Bad scheme'
      when parts is null then 'Malformed input to a URL function'
      when parts[2] = '' then 'No host part in the URL'
      else 'Unsupported URL scheme'
    end;
  end if;
  query := pg_catalog.concat_ws(
    '&', nullif(pg_catalog.substr(parts[4], 2), ''), nullif(pg_catalog.array_to_string(params_array, '&'), '')
  );
  return pg_catalog.lower(parts[1]) || '://' || parts[2] || coalesce(nullif(parts[3], ''), '/')
    || coalesce('?' || nullif(query, ''), '') || coalesce(parts[5], '');
end;
$$;

create function net._stand_in_params(params jsonb) returns text[]
language sql immutable as $$
  select coalesce(
    pg_catalog.array_agg(net._urlencode_string(key) || '=' || net._urlencode_string(value)), '{}'
  )
  from pg_catalog.jsonb_each_text(params);
$$;

create function net.http_get(
  url text,
  params jsonb default '{}'::jsonb,
  headers jsonb default '{}'::jsonb,
  timeout_milliseconds int default 5000
) returns bigint
language plpgsql as $$
declare
  request_id bigint;
begin
  insert into net.http_request_queue (method, url, headers, timeout_milliseconds)
  values (
    'GET', net._encode_url_with_params_array(url, net._stand_in_params(params)), headers,
    timeout_milliseconds
  )
  returning id into request_id;
  perform net.wake();
  return request_id;
end;
$$;

create function net.http_post(
  url text,
  body jsonb default '{}'::jsonb,
  params jsonb default '{}'::jsonb,
  headers jsonb default '{"Content-Type": "application/json"}'::jsonb,
  timeout_milliseconds int default 5000
) returns bigint
language plpgsql as $$
declare
  request_id bigint;
  content_type text;
begin
  select h.value into content_type
  from pg_catalog.jsonb_each_text(coalesce(headers, '{}'::jsonb)) h
  where pg_catalog.lower(h.key) = 'content-type'
  limit 1;
  if content_type is null then
    headers := headers || '{"Content-Type": "application/json"}'::jsonb;
  elsif content_type <> 'application/json' then
    raise exception 'Content-Type header must be "application/json"';
  end if;

  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (
    'POST', net._encode_url_with_params_array(url, net._stand_in_params(params)), headers,
    pg_catalog.convert_to(body::text, 'UTF8'), timeout_milliseconds
  )
  returning id into request_id;
  perform net.wake();
  return request_id;
end;
$$;

create function net.http_delete(
  url text,
  params jsonb default '{}'::jsonb,
  headers jsonb default '{}'::jsonb,
  timeout_milliseconds int default 5000,
  body jsonb default null
) returns bigint
language plpgsql as $$
declare
  request_id bigint;
begin
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (
    'DELETE', net._encode_url_with_params_array(url, net._stand_in_params(params)), headers,
    pg_catalog.convert_to(body::text, 'UTF8'), timeout_milliseconds
  )
  returning id into request_id;
  perform net.wake();
  return request_id;
end;
$$;

create function net._await_response(request_id bigint) returns bool
language plpgsql as $$
begin
  while not exists (select from net._http_response r where r.id = request_id) loop
    perform pg_catalog.pg_sleep(0.05);
  end loop;
  return true;
end;
$$;

create function net._http_collect_response(request_id bigint, async bool default true)
returns net.http_response_result
language plpgsql as $$
declare
  rec net._http_response;
begin
  if not async then
    perform net._await_response(request_id);
  end if;
  select r.* into rec from net._http_response r where r.id = request_id;
  if rec.id is null or rec.error_msg is not null then
    return (
      'ERROR', coalesce(rec.error_msg, 'request matching request_id not found'), null
    )::net.http_response_result;
  end if;
  return (
    'SUCCESS', 'ok', (rec.status_code, rec.headers, rec.content)::net.http_response
  )::net.http_response_result;
end;
$$;

grant usage on schema net to public;
grant all on all sequences in schema net to public;
grant all on all tables in schema net to public;
