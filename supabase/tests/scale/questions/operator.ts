/** What an operator asks. */
import type { Question } from "./question.ts";

const ended = "status in ('completed', 'failed', 'cancelled')";

export function operatorQuestions([, , usual]: readonly string[]): Question[] {
  return [
    {
      asks: "jobs of a type that failed in the last hour (type and status)",
      statement: `
        select job.* from private.job_failure as failure
        join public.job_queue as job on job.id = failure.job_id and job.status = 'failed'
        where failure.job_type = 'scale_4' and failure.failed_at > now() - interval '1 hour'
        order by failure.failed_at desc limit 100`,
      index: "job_failure_type_idx",
      rows: 100,
    },
    {
      asks: "jobs of a type that wait",
      statement: `
        select * from private.job_waiting where job_type = 'scale_3' and turn is not null
        order by job_priority, turn, place limit 100`,
      index: "job_waiting_lane_idx",
      rows: 200,
    },
    {
      asks: "the newest jobs of a type that have ended",
      statement: `
        select * from public.job_queue where job_type = 'scale_3' and ${ended}
        order by created_at desc limit 100`,
      index: "job_queue_type_idx",
      rows: 200,
    },
    {
      asks: "jobs that were about something (params)",
      statement: `select * from public.job_queue where params @> '{"n": 4241}' and params <> '{}'`,
      index: "job_queue_params_idx",
      rows: 10,
    },
    {
      asks: "jobs that found something (result)",
      statement:
        `select * from public.job_queue where result @> '{"found": 4241}' and status = 'completed'`,
      index: "job_queue_result_idx",
      rows: 10,
    },
    {
      asks: "what the pause of a user holds back",
      statement:
        `select * from private.job_waiting where user_id = '${usual}' and held_by = 'user_pause'
        and job_type = any(array(select name from public.job_type))`,
      index: "job_waiting_aside_idx",
      rows: 100,
    },
    {
      asks: "the latest errors (errors)",
      statement: `select * from public.job_log where log_level = 'error'
        and created_at > now() - interval '30 hours' order by created_at desc limit 50`,
      index: "job_log_error_idx",
      rows: 100,
    },
    {
      asks: "lines with a word in them (message full text)",
      statement: `select * from public.job_log
        where to_tsvector('simple', message) @@ to_tsquery('simple', 'step & 999999')`,
      index: "job_log_message_idx",
      rows: 100,
    },
    {
      asks: "lines with a value in their data (metadata)",
      statement:
        `select * from public.job_log where metadata @> '{"n": 999995}' and metadata <> '{}'`,
      index: "job_log_metadata_idx",
      rows: 100,
    },
  ];
}
