/** The life of one job: its states, its tokens and who writes to it. */
import { ended, type Rule } from "./rule.ts";

/** What holds of every job by itself. */
export const lifeRules: readonly Rule[] = [
  [
    "every job has ended",
    `select id, job_type, status, held_by, turn, lease_expires_at, error_code
     from public.job_queue where job_type in (select name from chaos.job_type) and status not in ${ended}`,
  ],
  [
    "a job moves only along the life the spec draws",
    `select job_id, old_status, new_status, error_code from chaos.change
     where old_status <> new_status and (old_status, new_status) not in (
       ('pending', 'processing'), ('processing', 'pending'), ('processing', 'completed'),
       ('processing', 'failed'), ('processing', 'cancelled'), ('pending', 'cancelled'),
       -- A batch that ends, and a child or a job that nobody started in time.
       ('pending', 'completed'), ('pending', 'failed'),
       ('failed', 'pending'), ('cancelled', 'pending'))`,
  ],
  [
    "an end is recorded once per run, and a run begins by creation or by a retry",
    `select job_id, count(*) filter (where old_status not in ${ended} and new_status in ${ended}) as ends,
       1 + count(*) filter (where old_status in ${ended} and new_status not in ${ended}) as runs
     from chaos.change group by job_id
     having count(*) filter (where old_status not in ${ended} and new_status in ${ended})
       <> 1 + count(*) filter (where old_status in ${ended} and new_status not in ${ended})`,
  ],
  [
    "an outcome, once recorded, is not touched",
    `select job_id, old_status, new_status, wrote, session from chaos.change
     where old_status in ${ended} and new_status in ${ended} and wrote && '{status,result,percent,message,checkpoint,token}'`,
  ],
  [
    "fencing tokens and sequence numbers never go back",
    `select job_id, old_token, new_token, old_seq, new_seq from chaos.change
     where new_token < old_token or new_seq < old_seq`,
  ],
  [
    "every claim has a token of its own",
    `select job_id, new_token, count(*) from chaos.change
     where old_status = 'pending' and new_status = 'processing' group by 1, 2 having count(*) > 1`,
  ],
  [
    "a claim's token is new",
    `select job_id, old_token, new_token from chaos.change
     where old_status = 'pending' and new_status = 'processing' and new_token <= old_token`,
  ],
  [
    "what an attempt wrote was written under its own token",
    `select job_id, wrote, new_token, checkpoint_token, result_token, message_token, session from chaos.change
     where checkpoint_token <> old_token or result_token <> old_token or message_token <> old_token`,
  ],
  [
    "only the session that claimed a job writes to it while it is held",
    `select written.job_id, written.wrote, written.session, claim.session as claimed_by, written.new_token
     from chaos.change as written
     join chaos.change as claim on claim.job_id = written.job_id and claim.new_token = written.old_token
       and claim.old_status = 'pending' and claim.new_status = 'processing'
     where written.old_status = 'processing' and written.new_token = written.old_token
       and written.wrote && '{status,result,percent,message,checkpoint,lease}' and written.session <> claim.session`,
  ],
  [
    "a log line stands under the token of its attempt",
    `select job_id, line_token, job_token, session from chaos.line where line_token <> job_token`,
  ],
];
