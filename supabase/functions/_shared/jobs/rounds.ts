import type { Clock } from "./clock.ts";

/** Who made room for nothing, since these jobs are not of its types, say, waits for so much longer. */
const IN_VAIN = 6;

/**
 * When jobs that have crashed and other work have their turns: at most about half of the time goes to
 * what has crashed, while there is other work.
 */
export class Rounds {
  /** How long it may take to make room; what runs may run for longer. */
  #mostMs: number;
  /** When the other work began to wait, and until when it is not to wait again. */
  #since = -Infinity;
  #notBefore = -Infinity;
  /** Until when more may join a round; then it runs out. */
  #openUntil = -Infinity;
  #madeRoom = false;

  constructor(private readonly clock: Clock, private readonly patienceMs: number) {
    this.#mostMs = patienceMs;
  }

  /** Whether other work has had its turn. */
  get mayBegin(): boolean {
    return this.clock.now() >= this.#notBefore;
  }

  /** Whether a round is under way that more may join. */
  get isOpen(): boolean {
    return this.clock.now() < this.#openUntil;
  }

  /** Other work waits from now on. */
  makeRoom(): void {
    this.#madeRoom = true;
    this.#since = this.clock.now();
  }

  get isMakingRoomForLong(): boolean {
    return this.clock.now() >= this.#since + this.#mostMs;
  }

  /** It does not get empty soon: next time it is given longer. */
  giveUp(): void {
    this.#mostMs *= 2;
    this.end();
  }

  begin(): void {
    const now = this.clock.now();
    if (!this.#madeRoom) this.#since = now;
    this.#openUntil = now + this.patienceMs;
  }

  /** The round has begun, and brought something or nothing. */
  begun(found: number): void {
    if (this.#madeRoom) this.#mostMs = this.patienceMs;
    if (found === 0) this.end(this.#madeRoom ? this.patienceMs * IN_VAIN : 0);
  }

  /** Nothing more joins this round. */
  close(): void {
    this.#openUntil = -Infinity;
  }

  end(leastMs = 0): void {
    const now = this.clock.now();
    this.#notBefore = now + Math.max(leastMs, now - this.#since);
    this.#madeRoom = false;
    this.close();
  }
}
