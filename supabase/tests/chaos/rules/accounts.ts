/** What the engine keeps beside its jobs: counters, side tables, locks. */
import { sideTableFaults } from "../../async/side_tables.ts";
import type { Rule } from "./rule.ts";

/** What holds of everything beside the jobs. */
export const accountRules: readonly Rule[] = [
  [
    "the counters say what counting says",
    `select job_type, status, counted, truth from (
       select job_type, status, sum(jobs) as counted from (
         select job_type, status, jobs from private.job_count
         union all select job_type, status, change from private.job_count_change) as parts
       group by 1, 2) as counters
     full join (select job_type, status, count(*) as truth from public.job_queue group by 1, 2) as rows
       using (job_type, status)
     where coalesce(counted, 0) <> coalesce(truth, 0)`,
  ],
  ["the side tables say what the jobs say", sideTableFaults],
  [
    "no session keeps a lock for ever",
    `select locktype, objid, pid, application_name from pg_locks join pg_stat_activity using (pid)
     where locktype = 'advisory' and state = 'idle' and application_name <> 'local scheduler'`,
  ],
];
