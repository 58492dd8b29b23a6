-- The kinds of job this release can run; each has its handler in functions/_shared/jobs/handlers/.

insert into public.job_type (
  name, category, description, default_priority, max_retries, backoff_base, backoff_cap, lease,
  max_runtime, expires_after, dedupe_window, cache_ttl, max_per_user, user_creatable,
  quota_type
)
select 'sync_' || platform, 'platform_sync', description, 5, 5, '5 seconds', '15 minutes',
  -- Short, since a killed worker's sync goes on within a lease plus one 10-second tick.
  '30 seconds',
  '2 hours', '24 hours',
  -- As long as any sync may live: two syncs of one account at once would only fight.
  '1 day',
  -- A sync is asked for because something may have changed: never answered from the last one.
  null,
  3, false, 'syncs'
from (values
  ('youtube', 'Copies a YouTube channel''s videos into content_item.'),
  ('instagram', 'Copies an Instagram account''s media into content_item.'),
  ('tiktok', 'Copies a TikTok account''s videos into content_item.')
) as sync (platform, description);

-- The engine's own trial run: what a doctor, a benchmark or a curious frontend starts to see everything
-- work without a provider. Users may create it, so it is bounded in number, length and rate.
insert into public.job_type (
  name, category, description, default_priority, max_retries, backoff_base, backoff_cap, lease,
  max_runtime, expires_after, dedupe_window, cache_ttl, max_concurrency, max_per_user, user_creatable,
  retention
) values (
  'self_test', 'maintenance', 'Does nothing for a while, in steps; fails or spreads to children when asked.',
  5, 3, '1 second', '5 seconds', '15 seconds', '30 minutes', '1 hour', '5 minutes', '1 minute', 100, 10,
  true, '1 day'
);
