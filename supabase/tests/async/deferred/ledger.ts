/** Who holds which job, as the model of `deferred_starts_test.ts` has it. */
import assert from "node:assert/strict";

/** A job that was handed out, and by which token. */
export interface Attempt {
  readonly id: string;
  readonly token: number;
  readonly worker: string;
}

interface Entry {
  /** Null: it waits, or has ended. */
  holder: Attempt | null;
  isEnded: boolean;
}

export class Ledger {
  readonly #jobs = new Map<string, Entry>();
  /** The latest ones, those that were lost or have ended among them: zombies write on. */
  #attempts: Attempt[] = [];

  get waiting(): number {
    return [...this.#jobs.values()].filter(({ holder, isEnded }) => !holder && !isEnded).length;
  }

  get held(): Attempt[] {
    return [...this.#jobs.values()].flatMap(({ holder }) => holder ?? []);
  }

  add(id: string): void {
    this.#jobs.set(id, { holder: null, isEnded: false });
  }

  hold(attempt: Attempt): Attempt {
    const entry = this.#jobs.get(attempt.id);
    assert.ok(entry && !entry.holder && !entry.isEnded, "only what waits is handed out");
    entry.holder = attempt;
    this.#attempts.push(attempt);
    if (this.#attempts.length > 500) this.#attempts = this.#attempts.slice(-400);
    return attempt;
  }

  isHolder({ id, token }: Attempt): boolean {
    return this.#jobs.get(id)?.holder?.token === token;
  }

  isActive(id: string): boolean {
    return !this.#jobs.get(id)!.isEnded;
  }

  isWaiting(id: string): boolean {
    const { holder, isEnded } = this.#jobs.get(id)!;
    return !holder && !isEnded;
  }

  /** It waits again. */
  release(id: string): void {
    this.#jobs.get(id)!.holder = null;
  }

  end(id: string): void {
    Object.assign(this.#jobs.get(id)!, { holder: null, isEnded: true });
  }

  revive(id: string): void {
    this.#jobs.get(id)!.isEnded = false;
  }

  /** Any job there is. */
  job(which: number): string | undefined {
    return [...this.#jobs.keys()][which % (this.#jobs.size || 1)];
  }

  /** Any attempt and those after it, at most one for each job. */
  attempts(which: number, count: number): Attempt[] {
    const from = which % (this.#attempts.length || 1);
    const some = this.#attempts.slice(from, from + count);
    return [...new Map(some.map((attempt) => [attempt.id, attempt])).values()];
  }

  attemptsOf(worker: string): Attempt[] {
    return this.#attempts.filter((attempt) => attempt.worker === worker);
  }
}
