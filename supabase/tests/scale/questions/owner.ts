/** What an owner asks, and what is asked of an owner's jobs when more are requested. */
import type { Question } from "./question.ts";

export function ownerQuestions([parent, busy, usual]: readonly string[]): Question[] {
  return [
    {
      asks: "the first page of a user with 5 000 children (user listing)",
      statement: `select * from public.get_user_jobs('${parent}')`,
      index: "job_queue_user_listing_idx",
      rows: 100,
    },
    {
      asks: "the first page of a user with 20 000 jobs",
      statement: `select * from public.get_user_jobs('${busy}')`,
      index: "job_queue_user_listing_idx",
      rows: 10_100,
    },
    {
      asks: "a page far back",
      statement:
        `select * from public.get_user_jobs_page('${busy}', p_before_created_at => now() - interval '6 days')`,
      index: "job_queue_user_listing_idx",
      rows: 100,
    },
    {
      asks: "how many jobs of a user are active (user active)",
      statement: `select * from private.count_active_jobs('${usual}')`,
      index: "job_waiting_user_idx",
      rows: 300,
    },
    {
      asks: "an equal active job (dedupe)",
      statement:
        `select * from public.find_or_create_job('${usual}', 'scale_3', '{"nobody": "asked"}')`,
      index: "job_queue_request_idx",
      rows: 1_100,
    },
    {
      asks: "equal active jobs of many requests (dedupe)",
      statement: `select * from public.create_jobs((
        select jsonb_agg(jsonb_build_object('job_type', 'scale_3', 'key', 'nobody asked ' || n))
        from generate_series(1, 100) as n))`,
      index: "job_queue_request_idx",
      rows: 400,
    },
    {
      asks: "a result to use again",
      statement: `select * from public.get_cached_job_result('${usual}', 'scale_3', '{"n": 21}')`,
      index: "job_queue_request_idx",
      rows: 1,
    },
    {
      asks: "the log of a job",
      statement: `select * from public.get_job_logs((select job_id from public.job_log limit 1))`,
      index: "job_log_job_idx",
      rows: 100,
    },
    {
      asks: "the log of a job of a user with 20 000 jobs, read as a table",
      before: readAsOwner("job_log", busy!, `where job_id = '${parent}'`),
      statement: "select * from pg_temp.read_as_owner()",
      index: "job_log_job_idx",
      rows: 100,
    },
    {
      asks: "all of an owner's lines, read as a table",
      before: readAsOwner("job_log", usual!),
      statement: "select * from pg_temp.read_as_owner()",
      index: "job_log_user_idx",
      rows: 2_500,
    },
    {
      asks: "all of an owner's batches, read as a table",
      before: readAsOwner("job_batch", parent!),
      statement: "select * from pg_temp.read_as_owner()",
      index: "job_queue_user_listing_idx",
      rows: 5_100,
    },
    {
      asks: "everything of a user who goes",
      statement: `delete from public.job_queue where user_id = '${usual}'`,
      index: "job_queue_user_listing_idx",
      rows: 1_500,
    },
  ];
}

/** Under the owner's rights, which a table's policies ask. */
function readAsOwner(table: string, userId: string, which = ""): string {
  return `
    create function pg_temp.read_as_owner() returns setof public.${table} language sql stable
    set role = authenticated set request.jwt.claims = '${JSON.stringify({ sub: userId })}'
    as $$ select * from public.${table} ${which} $$`;
}
