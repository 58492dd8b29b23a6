-- The error catalogue. Every refusal a caller can meet has a code here, and the same list stands in
-- functions/_shared/errors.ts and docs/ERRORS.md. Tests assert codes, never sentences.

create table private.error_code (
  code text primary key,
  http_status int not null,
  message text not null,
  constraint error_code_is_upper_snake check (code ~ '^[A-Z][A-Z0-9_]*$'),
  constraint error_code_http_status_is_error check (http_status between 400 and 599)
);
comment on table private.error_code is 'Code, HTTP status and default sentence of every domain error and job outcome.';
alter table private.error_code enable row level security;
revoke all on table private.error_code from public, anon, authenticated, service_role;

insert into private.error_code (code, http_status, message) values
  ('VALIDATION_ERROR', 400, 'The request is not valid.'),
  ('INVALID_PARAMS', 400, 'The job parameters are not valid.'),
  ('OAUTH_STATE_INVALID', 400, 'There is no such authorization under way.'),
  ('OAUTH_STATE_EXPIRED', 400, 'The authorization took too long; begin again.'),
  ('OAUTH_PLATFORM_MISMATCH', 400, 'The authorization was begun for another platform.'),
  ('OAUTH_REDIRECT_MISMATCH', 400, 'The authorization does not belong to this address.'),
  ('OAUTH_CODE_INVALID', 400, 'The code of the platform is not valid or was already used; begin again.'),
  ('OAUTH_DENIED', 400, 'The authorization was declined.'),
  ('UNAUTHENTICATED', 401, 'Sign in first.'),
  ('FORBIDDEN', 403, 'You may not do this.'),
  ('OAUTH_STATE_FOREIGN', 403, 'The authorization was begun by somebody else.'),
  ('ACCOUNT_LIMIT_REACHED', 403, 'The plan allows no more connected accounts.'),
  ('NOT_FOUND', 404, 'There is no such thing.'),
  ('JOB_NOT_FOUND', 404, 'There is no such job.'),
  ('SOCIAL_ACCOUNT_NOT_FOUND', 404, 'There is no such connected account.'),
  ('METHOD_NOT_ALLOWED', 405, 'This method is not supported here.'),
  ('CONFLICT', 409, 'This is not possible in the current state.'),
  ('OAUTH_STATE_USED', 409, 'The authorization was already used.'),
  ('ACCOUNT_ALREADY_CONNECTED', 409, 'This account is already connected by another user.'),
  ('LEASE_LOST', 409, 'The job is no longer held by this worker.'),
  ('JOB_NOT_CANCELLABLE', 409, 'The job has already ended.'),
  ('JOB_NOT_RETRYABLE', 409, 'Only a job that has failed or was cancelled can be run again.'),
  ('JOB_ALREADY_ACTIVE', 409, 'An equal job is under way.'),
  ('SUPERSEDED', 409, 'A newer job took the place of this one.'),
  ('SOCIAL_ACCOUNT_AMBIGUOUS', 409, 'Several accounts of this platform are connected; say which one.'),
  ('CONNECTION_REVOKED', 409, 'The platform no longer accepts this connection; connect the account again.'),
  ('PARAMS_TOO_LARGE', 413, 'The job parameters are larger than 64 KB.'),
  ('RESULT_TOO_LARGE', 413, 'The job result is larger than 256 KB.'),
  ('CHECKPOINT_TOO_LARGE', 413, 'The job checkpoint is larger than 256 KB.'),
  ('PAYLOAD_TOO_LARGE', 413, 'The request body is too large.'),
  ('UNSUPPORTED_MEDIA_TYPE', 415, 'The request body must be JSON.'),
  ('UNKNOWN_JOB_TYPE', 422, 'There is no such job type.'),
  ('NO_CHANNEL', 422, 'This account has no channel on the platform.'),
  ('SCOPES_MISSING', 422, 'The platform granted less than is needed; connect again and allow everything.'),
  ('PLATFORM_DISABLED', 422, 'This platform is not available.'),
  ('RATE_LIMITED', 429, 'Too many requests; try again later.'),
  ('QUOTA_EXCEEDED', 429, 'The plan''s quota is used up for this cycle.'),
  ('JOB_LIMIT_REACHED', 429, 'Too many jobs are active; wait for one to end.'),
  ('PROVIDER_RATE_LIMITED', 429, 'The platform asked us to slow down.'),
  ('PROVIDER_QUOTA_EXCEEDED', 429, 'The quota at the platform is used up for now.'),
  ('INTERNAL_ERROR', 500, 'Something went wrong on our side.'),
  ('WORKER_LOST', 500, 'The workers running this job stopped too often.'),
  ('EXPIRED', 500, 'The job was not started in time.'),
  ('HANDLER_ERROR', 500, 'The job failed.'),
  ('INVALID_RESULT', 500, 'The job produced a result that is not valid.'),
  ('CHILD_FAILED', 500, 'A part of the job failed.'),
  ('SELF_TEST_FAILED', 500, 'The self test failed, as it was asked to.'),
  ('MAX_RUNTIME_EXCEEDED', 500, 'The job ran longer than it may.'),
  ('OAUTH_EXCHANGE_FAILED', 502, 'The platform did not accept the authorization.'),
  ('PROVIDER_UNAVAILABLE', 502, 'The platform does not answer.'),
  ('PROVIDER_REJECTED', 502, 'The platform refused the request.'),
  ('SERVICE_UNAVAILABLE', 503, 'A part this needs is not available right now.');

-- PTnnn makes the data API answer with HTTP status nnn; our own code travels in the hint.
-- Volatile although it only reads: a stable function may be evaluated while a query is being planned.
create function private.raise_error(p_code text, p_detail jsonb default null, p_message text default null)
returns void
language plpgsql volatile security definer set search_path = ''
as $$
declare
  known private.error_code;
begin
  select * into known from private.error_code where code = p_code;
  if not found then
    raise exception 'error code % is not in private.error_code', p_code using errcode = 'XX000';
  end if;
  -- An option of RAISE cannot be null, and an empty detail would not be JSON.
  if p_detail is null then
    raise exception using errcode = 'PT' || known.http_status, message = coalesce(p_message, known.message),
      hint = known.code;
  end if;
  raise exception using errcode = 'PT' || known.http_status, message = coalesce(p_message, known.message),
    hint = known.code, detail = p_detail::text;
end;
$$;
comment on function private.raise_error(text, jsonb, text) is
  'Raises a catalogued error: SQLSTATE PT<http status>, the code as hint, details as JSON text. Lends the right to read the catalogue.';
revoke all on function private.raise_error(text, jsonb, text) from public, anon, authenticated, service_role;
grant execute on function private.raise_error(text, jsonb, text) to authenticated, service_role;
