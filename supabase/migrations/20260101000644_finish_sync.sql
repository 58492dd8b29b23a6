-- 002 Content meets 006 Async: the end of a sync. What a whole list did not name is gone at the source.

create function private.finish_sync(
  p_job_id uuid, p_fencing_token bigint, p_social_account_id uuid, p_is_complete boolean
)
returns int
language plpgsql volatile security definer set search_path = ''
as $$
declare
  v_job constant public.job_queue := private.hold_job(p_job_id, p_fencing_token);
  v_pass private.sync_pass;
  v_removed int := 0;
begin
  -- As saving a page does: nobody stores content of this account meanwhile.
  perform from public.social_account
  where id = p_social_account_id and user_id = v_job.user_id and deleted_at is null
  for no key update;
  if not found then
    perform private.raise_error('SOCIAL_ACCOUNT_NOT_FOUND');
  end if;

  select * into v_pass from private.sync_pass
  where job_id = p_job_id and social_account_id = p_social_account_id;
  if not found then
    return 0;
  elsif v_pass.finished_at is not null then
    -- Asked again, after a crash between this and the end of the job.
    return v_pass.removed_count;
  end if;

  if p_is_complete and v_pass.is_whole then
    update public.content_item as stored
    set deleted_at = now(), deleted_by = 'source'
    where stored.social_account_id = p_social_account_id and stored.deleted_at is null
      -- What somebody else stored or gave back since the list was begun is none of its business.
      and stored.updated_at < v_pass.began_at
      and not exists (
        select from private.sync_seen as seen
        where seen.job_id = p_job_id and seen.platform_content_id = stored.platform_content_id);
    get diagnostics v_removed = row_count;
  end if;

  delete from private.sync_seen where job_id = p_job_id;
  update private.sync_pass set finished_at = now(), removed_count = v_removed, is_whole = false
  where job_id = p_job_id;
  return v_removed;
end;
$$;
comment on function private.finish_sync(uuid, bigint, uuid, boolean) is
  'Body of finish_sync(). Lends the right to write content, what was seen, and the job that is held.';

create function public.finish_sync(
  p_job_id uuid, p_fencing_token bigint, p_social_account_id uuid, p_is_complete boolean
)
returns int
language sql volatile set search_path = ''
as $$
  select private.finish_sync(p_job_id, p_fencing_token, p_social_account_id, p_is_complete);
$$;
comment on function public.finish_sync(uuid, bigint, uuid, boolean) is
  'Service only. Ends a sync, or raises LEASE_LOST; p_is_complete: the list was read to its very end. Marks what it did not name as deleted at the source and returns how many; asked again it answers the same.';

-- A job that runs again after this has no pass any more, and so marks nothing as gone.
create function private.cleanup_sync_passes()
returns int
language plpgsql volatile set search_path = ''
as $$
declare
  v_removed int;
begin
  delete from private.sync_pass as pass
  where not exists (
    select from public.job_queue as job where job.id = pass.job_id and job.completed_at is null);
  get diagnostics v_removed = row_count;
  return v_removed;
end;
$$;
comment on function private.cleanup_sync_passes() is
  'Timetable: forgets what syncs have seen whose jobs have ended or are gone; returns how many syncs.';

revoke all on function
  private.hold_job(uuid, bigint),
  private.note_seen(uuid, text[], text[]),
  private.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text, text[]),
  public.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text, text[]),
  private.finish_sync(uuid, bigint, uuid, boolean),
  public.finish_sync(uuid, bigint, uuid, boolean),
  private.cleanup_sync_passes()
from public, anon, authenticated, service_role;
grant execute on function
  private.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text, text[]),
  public.save_content_batch(uuid, bigint, uuid, jsonb, jsonb, int, text, text[]),
  private.finish_sync(uuid, bigint, uuid, boolean),
  public.finish_sync(uuid, bigint, uuid, boolean)
to service_role;
