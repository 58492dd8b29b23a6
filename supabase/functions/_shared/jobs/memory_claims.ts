import type { ClaimedJob, CrashedJob, Lease } from "./job_store.ts";
import { MemoryChildren } from "./memory_children.ts";

/** A job table in memory, as workers take jobs from it and ask about them. */
export class MemoryClaims extends MemoryChildren {
  async claim(_workerId: string, limit: number, types: string[]): Promise<ClaimedJob[]> {
    await this.call("claim");
    return this.take(limit, types);
  }

  /** As if each of these had its last chance, unless said otherwise. */
  company = 1;

  async claimCrashed(
    _workerId: string,
    _concurrency: number,
    types: string[],
    { running, company } = { running: 0, company: Infinity },
  ): Promise<CrashedJob[]> {
    await this.call("claim crashed");
    const most = Math.min(company, this.company);
    return this.take(most - running, types, true).map((job) => ({ ...job, company: most }));
  }

  async readUnheard(_workerId: string, known: Lease[]): Promise<Lease[]> {
    await this.call("unheard");
    return Array.from(this.rows.values())
      .filter(({ status, job }) =>
        status === "processing" && !known.some(({ job_id }) => job_id === job.id)
      )
      .map(({ job: { id, fencing_token } }) => ({ job_id: id, fencing_token }));
  }

  async readRecorded(attempts: Lease[]): Promise<Map<string, string>> {
    await this.call("recorded");
    const rows = attempts.map(({ job_id, fencing_token }) => ({
      ...this.row(job_id),
      fencing_token,
    }));
    return new Map(
      rows.filter(({ job, status, fencing_token }) =>
        status !== "processing" && job.fencing_token === fencing_token
      ).map(({ job, status }) => [job.id, status]),
    );
  }
}
