/** What a user should have used, in plain arithmetic, and the user it is true of. */
import type postgres from "postgres";

export const quotas = ["syncs", "ai_analyses", "seo_submissions"] as const;
export type Quota = typeof quotas[number];
type Units = Record<Quota, number>;

const limits: Record<string, Units> = {
  free: { syncs: 10, ai_analyses: 25, seo_submissions: 0 },
  basic: { syncs: 100, ai_analyses: 250, seo_submissions: 50 },
};
const nothing = (): Units => ({ syncs: 0, ai_analyses: 0, seo_submissions: 0 });

export class Model {
  tier = "free";
  used = nothing();
  past = nothing();
  cycle = 0;
  isOver = false;
  charges = new Map<number, { quota: Quota; cycle: number; isBack: boolean }>();

  close(): void {
    if (!this.isOver) return;
    for (const quota of quotas) this.past[quota] += this.used[quota];
    this.used = nothing();
    this.cycle++;
    this.isOver = false;
  }

  hasRoom(quota: Quota, amount: number): boolean {
    const used = this.isOver ? 0 : this.used[quota];
    return used + amount <= limits[this.tier]![quota];
  }
}

export class Real {
  readonly jobs = Array.from({ length: 12 }, () => crypto.randomUUID());
  constructor(readonly sql: postgres.Sql, readonly user: string) {}

  async ask<T>(query: postgres.PendingQuery<postgres.Row[]>): Promise<T> {
    const [row] = await query;
    return Object.values(row!)[0] as T;
  }
}
