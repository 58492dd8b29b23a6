/** How much one project may do in a second, all its clients together. */
export interface Plan {
  /** Sockets with at least one channel. */
  readonly connections: number;
  /** Broadcasts sent and received. */
  readonly messages: number;
  readonly joins: number;
  /** Presence messages sent and received. */
  readonly presence: number;
}

/** The plans of the hosted platform. */
export const plans = {
  free: { connections: 200, messages: 100, joins: 100, presence: 20 },
  pro: { connections: 500, messages: 500, joins: 500, presence: 50 },
  team: { connections: 10_000, messages: 2_500, joins: 2_500, presence: 1_000 },
} as const satisfies Record<string, Plan>;

/** The plan with this name; the largest one when nothing was said. */
export function planNamed(name: string | undefined): Plan {
  const known = Object.entries(plans).find(([plan]) => plan === (name ?? "team"));
  if (!known) {
    throw new Error(`There is no plan "${name}"; plans: ${Object.keys(plans).join(", ")}.`);
  }
  return known[1];
}

/** How events are counted; tests make it quick. */
export interface Counting {
  readonly tickMs: number;
  readonly ticks: number;
  readonly now: () => number;
}

const asHosted: Counting = { tickMs: 5_000, ticks: 12, now: Date.now };

/**
 * Counts events as the platform does: what is judged is the mean of the last minute, looked at every
 * five seconds. A burst passes; who keeps it up does not.
 */
export class Rate {
  readonly #perSecond: number;
  readonly #counting: Counting;
  readonly #ended: number[] = [];
  #tick: number;
  #count = 0;
  #isExceeded = false;

  constructor(perSecond: number, counting: Counting = asHosted) {
    this.#perSecond = perSecond;
    this.#counting = counting;
    this.#tick = this.#currentTick();
  }

  /** Counts events. */
  add(count = 1): void {
    this.#endTicks();
    this.#count += count;
  }

  /** True while more happens than may; `more` is what is about to be added. */
  exceededBy(more = 0): boolean {
    this.#endTicks();
    return this.#isExceeded || (more > 0 && this.#mean() + more > this.#perSecond);
  }

  #endTicks(): void {
    const current = this.#currentTick();
    if (current === this.#tick) return;
    const { ticks } = this.#counting;
    const silent = Math.min(current - this.#tick - 1, ticks);
    this.#ended.push(this.#count, ...Array.from({ length: Math.max(0, silent) }, () => 0));
    this.#ended.splice(0, this.#ended.length - ticks);
    this.#count = 0;
    this.#tick = current;
    this.#isExceeded = this.#mean() >= this.#perSecond;
  }

  #mean(): number {
    const { tickMs, ticks } = this.#counting;
    return this.#ended.reduce((sum, count) => sum + count, 0) / (ticks * tickMs / 1000);
  }

  #currentTick(): number {
    return Math.floor(this.#counting.now() / this.#counting.tickMs);
  }
}

/** What a project does, held against its plan. */
export class Rates {
  readonly messages: Rate;
  readonly joins: Rate;
  readonly presence: Rate;
  readonly #connections: number;
  readonly #connected = new Set<object>();

  constructor(plan: Plan, counting: Counting = asHosted) {
    this.messages = new Rate(plan.messages, counting);
    this.joins = new Rate(plan.joins, counting);
    this.presence = new Rate(plan.presence, counting);
    this.#connections = plan.connections;
  }

  /** Is there room for this socket, or for another one? */
  hasRoomFor(socket?: object): boolean {
    return this.#connected.size < this.#connections ||
      (socket !== undefined && this.#connected.has(socket));
  }

  /** Counts a socket, once it has a channel. */
  connected(socket: object): void {
    this.#connected.add(socket);
  }

  disconnected(socket: object): void {
    this.#connected.delete(socket);
  }
}
