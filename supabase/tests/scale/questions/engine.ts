/** What workers and the tick ask. */
import type { Question } from "./question.ts";

export const engineQuestions: readonly Question[] = [
  {
    asks: "the next jobs for a worker (pending pickup)",
    before: `
        select private.recover_lost_jobs();
        select private.line_up_crashed_jobs(null);
        select private.expire_pending_jobs();
        select private.promote_due_jobs() from generate_series(1, 4)`,
    statement: "select * from public.claim_jobs('scale', 10)",
    index: "job_waiting_lane_idx",
    rows: 1_000,
  },
  {
    asks: "the same where much has to be put right first",
    statement: "select * from public.claim_jobs('scale', 10)",
    index: "job_waiting_lane_idx",
    rows: 30_000,
  },
  {
    asks: "what a worker is at (worker active)",
    statement: `
        select job.* from private.job_lease as lease
        join public.job_queue as job on job.id = any(lease.job_ids) and job.status = 'processing'
        where lease.worker_id = 'worker-1'`,
    index: "job_lease_worker_idx",
    rows: 100,
  },
  {
    asks: "the children of a job",
    statement: `select count(*) from public.job_queue where parent_job_id = (
        select parent_job_id from public.job_batch limit 1)`,
    index: "job_queue_child_key",
    rows: 5_000,
  },
  {
    asks: "retries whose time has come (retry eligible)",
    statement: "select private.promote_due_jobs()",
    index: "job_waiting_delayed_idx",
    rows: 5_000,
  },
  {
    asks: "jobs that waited too long (expiration)",
    statement: "select * from public.expire_stale_jobs()",
    index: "job_waiting_expiry_idx",
    rows: 7_000,
  },
  {
    asks: "jobs whose worker is lost (stuck detection)",
    statement: "select * from public.detect_stuck_jobs()",
    index: "job_lease_check_idx",
    rows: 7_000,
  },
  {
    asks: "how many jobs of a limited type run",
    before: "update public.job_type set max_concurrency = 5000 where name = 'scale_0'",
    statement: "select * from private.open_job_types(10, array['scale_0'])",
    index: "job_running_type_idx",
    rows: 200,
  },
  {
    asks: "what was put aside because its user is at a cap",
    statement: "select * from private.next_capped_user('scale_1', gen_random_uuid())",
    index: "job_waiting_aside_idx",
    rows: 10,
  },
  {
    asks: "jobs past their retention (cleanup)",
    statement: "select private.cleanup_old_jobs(1000)",
    index: "job_queue_type_idx",
    rows: 5_000,
  },
];
