-- 001 Platform connections meets 006 Async: grants whose connection was deleted are ended at their platforms.
-- The jobs are the system's: their user may be gone.

insert into public.job_type (
  name, category, description, default_priority, max_retries, backoff_base, backoff_cap, lease,
  max_runtime, expires_after, dedupe_window, cache_ttl, max_concurrency, user_creatable, retention
) values (
  'grant_revoke', 'token_refresh', 'Ends a grant at its platform whose connection was deleted.', 6, 15,
  '1 minute', '2 hours', '30 seconds', '5 minutes',
  -- The tokens are kept for two.
  '1 day', '1 day', null, 5, false, '2 days'
);
