import postgres from "postgres";
import { readFileSync } from "node:fs";
const [url, su] = readFileSync("/tmp/enq.url","utf8").split("\n");
const sql = postgres(su!, { max: 1, onnotice: () => {} });
let serial = 0;
const owner = (n: number) => `00000000-0000-4000-8000-${(Math.floor(n / 8) % 9999).toString(16).padStart(12, "0")}`;
async function jobs(n: number, owned: boolean) {
  const req = Array.from({ length: n }, (_, i) => ({ job_type: "bench_noop", user_id: owned ? owner(i) : undefined, params: { n: serial++ } }));
  const rows = await sql`select job_id, outcome from create_jobs(${sql.json(req)})`;
  return rows.map((r) => r.job_id as string);
}
const claim = (n: number, defer = false) => defer
  ? sql`select id as job_id, fencing_token::text::bigint as fencing_token from private.take_jobs('w', ${n}, '{bench_noop}', true)`.then(rs => rs.map(r => ({ job_id: r.job_id, fencing_token: Number(r.fencing_token) })))
  : sql`select id as job_id, fencing_token::text as fencing_token from claim_jobs('w', ${n}, '{bench_noop}')`.then(rs => rs.map(r => ({ job_id: r.job_id, fencing_token: Number(r.fencing_token) })));
async function claimAll(n: number, defer = false) { const out = []; while (out.length < n) { const got = await claim(Math.min(n - out.length, 1000), defer); if (!got.length) break; out.push(...got); } return out; }
const ops: Record<string, (leases: {job_id: string, fencing_token: number}[], ids: string[]) => Promise<unknown>> = {
  complete: (l) => sql`select count(*) from complete_jobs(${sql.json(l)})`,
  complete_result: (l) => sql`select count(*) from complete_jobs(${sql.json(l.map(x => ({ ...x, result: { ok: 1 } })))})`,
  fail: (l) => sql`select count(*) from fail_jobs(${sql.json(l.map(x => ({ ...x, error_message: "no", retryable: true })))})`,
  fail_fatal: (l) => sql`select count(*) from fail_jobs(${sql.json(l.map(x => ({ ...x, error_message: "no", retryable: false })))})`,
  yield: (l) => sql`select count(*) from yield_jobs(${sql.json(l)})`,
  logs: (l) => sql`select add_job_logs(${sql.json(l.map(x => ({ ...x, log_level: "info", message: "Done" })))})`,
  heartbeat: (l) => sql`select heartbeat('w', ${sql.json(l)}, 2000, ${l.length})`,
  recover: async (l) => { await sql`update job_queue set lease_expires_at = now() - interval '1 s' where id = any(${l.map(x => x.job_id)}::uuid[])`; await sql`update private.job_lease set check_at = now() - interval '1 s'`; const t = performance.now(); await sql`select count(*) from detect_stuck_jobs()`; return performance.now() - t; },
  recover_fail: async (l) => { await sql`update job_queue set crash_streak = 5, crash_count = 5, lease_expires_at = now() - interval '1 s' where id = any(${l.map(x => x.job_id)}::uuid[])`; await sql`update private.job_lease set check_at = now() - interval '1 s'`; const t = performance.now(); await sql`select count(*) from detect_stuck_jobs()`; return performance.now() - t; },
  retry_failed: async (l) => { await sql`select count(*) from fail_jobs(${sql.json(l.map(x => ({ ...x, error_message: "no", retryable: false })))})`; const t = performance.now(); await sql`select count(*) from retry_failed_jobs('bench_noop')`; return performance.now() - t; },
  expire: async (l) => { await sql`select count(*) from yield_jobs(${sql.json(l)})`; await sql`update job_queue set expires_at = now() - interval '1 s' where id = any(${l.map(x => x.job_id)}::uuid[])`; const t = performance.now(); await sql`select count(*) from expire_stale_jobs()`; return performance.now() - t; },
  promote: async (l) => { await sql`select count(*) from yield_jobs(${sql.json(l)})`;  await sql`update job_queue set turn = null, scheduled_for = now() - interval '1 s' where id = any(${l.map(x => x.job_id)}::uuid[])`; const t = performance.now(); await sql`select private.promote_due_jobs()`.catch(e => console.log(String(e))); return performance.now() - t; },
  tick: async (l) => { const t = performance.now(); await sql`select private.job_tick()`.catch(() => sql`select 1`); return performance.now() - t; },
};
const only = Deno.args[0]?.split(",");
for (const [name, op] of Object.entries(ops)) {
  if (only && !only.includes(name)) continue;
  for (const owned of [true, false]) {
    const line: string[] = [];
    for (const defer of [false, true]) for (const n of [100, 400, 1600]) {
      await sql`truncate job_queue, job_log, private.job_waiting, private.job_bundle, private.job_lease cascade`;
      const ids = await jobs(n + 300, owned);
      const c = performance.now();
      const leases = (await claimAll(n, defer));
      const perClaim = (performance.now() - c) / leases.length * 1000;
      const t = performance.now();
      const said = await op(leases, ids);
      const took = typeof said === "number" ? said : performance.now() - t;
      line.push(`${leases.length}: ${Math.round(took / leases.length * 1000)} (claim ${Math.round(perClaim)})`);
    }
    console.log(name.padEnd(16), owned ? "users " : "system", line.join("  "));
  }
}
await sql.end();
