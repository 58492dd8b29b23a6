-- 002 Content: what owners do with their own. Deleting hides an item here, for good as far as syncs go, and
-- only its owner gives it back; at the platform nothing changes.

create function private.set_content_deleted(p_content_item_id uuid, p_is_deleted boolean)
returns boolean
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_user_id constant uuid := auth.uid();
  v_deleted_by text;
begin
  if v_user_id is null then
    perform private.raise_error('UNAUTHENTICATED');
  end if;
  select deleted_by into v_deleted_by from public.content_item
  where id = p_content_item_id and user_id = v_user_id
  for no key update;
  -- What vanished at its source is nothing that an owner sees, and nothing that we could give back.
  if not found or v_deleted_by = 'source' then
    perform private.raise_error('NOT_FOUND', jsonb_build_object('content_item_id', p_content_item_id));
  elsif p_is_deleted = (v_deleted_by is not null) then
    return false;
  end if;

  update public.content_item
  set deleted_at = case when p_is_deleted then now() end, deleted_by = case when p_is_deleted then 'owner' end
  where id = p_content_item_id;
  return true;
end;
$$;
comment on function private.set_content_deleted(uuid, boolean) is
  'Body of delete_content() and restore_content(). Lends the right to write the caller''s content.';

create function public.delete_content(p_content_item_id uuid)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.set_content_deleted(p_content_item_id, true);
$$;
comment on function public.delete_content(uuid) is
  'Removes an item of the caller''s, here and not at the platform; no sync brings it back. False when it was removed already, NOT_FOUND when it is not theirs.';

create function public.restore_content(p_content_item_id uuid)
returns boolean
language sql volatile set search_path = ''
as $$
  select private.set_content_deleted(p_content_item_id, false);
$$;
comment on function public.restore_content(uuid) is
  'Gives back what the caller has removed, as it was last seen. False when it was not removed, NOT_FOUND when it is not theirs or gone at the platform.';

revoke all on function
  private.set_content_deleted(uuid, boolean), public.delete_content(uuid), public.restore_content(uuid)
from public, anon, authenticated, service_role;
grant execute on function
  private.set_content_deleted(uuid, boolean), public.delete_content(uuid), public.restore_content(uuid)
to authenticated;
