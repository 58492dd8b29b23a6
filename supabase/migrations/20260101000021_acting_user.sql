-- Who a function that users reach past the edge functions acts for, and how often it may.

create function private.acting_user(p_user_id uuid)
returns uuid
language plpgsql stable set search_path = ''
as $$
declare
  -- The role that was SET survives a definer body; without one, the login role is who is calling.
  v_role constant text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
  v_user_id uuid;
begin
  if v_role in ('service_role', 'postgres', 'supabase_admin') then
    return p_user_id;
  end if;

  v_user_id := auth.uid();
  if v_user_id is null or v_role <> 'authenticated' then
    perform private.raise_error('UNAUTHENTICATED');
  end if;
  return v_user_id;
end;
$$;
comment on function private.acting_user(uuid) is
  'The owner a call acts for: auth.uid() for users, whatever they pass; the named user for the service.';
revoke all on function private.acting_user(uuid) from public, anon, authenticated, service_role;

create function private.counted_user(p_user_id uuid, p_function_name text)
returns uuid
language plpgsql volatile set search_path = ''
as $$
declare
  v_user_id constant uuid := private.acting_user(p_user_id);
begin
  if current_setting('role', true) = 'authenticated' then
    perform private.assert_rate_limit(p_function_name, v_user_id);
  end if;
  return v_user_id;
end;
$$;
comment on function private.counted_user(uuid, text) is
  'As acting_user(), and the call of a user counts against this rate limit; raises RATE_LIMITED.';
revoke all on function private.counted_user(uuid, text) from public, anon, authenticated, service_role;
