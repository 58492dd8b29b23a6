/**
 * One system in one OS process, obeying lines on stdin. Runs in Node and in Deno:
 *
 *     node bench/process/host.ts <system> <database url> <variant as JSON>
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { type Contender, openQueueOf } from "../queues/contenders.ts";
import type { StopWorker, Variant } from "../queues/contract.ts";
import { writeNowhere } from "./nowhere.ts";
import { type CommandName, type Commands, type Line, wallClock } from "./protocol.ts";
import { Tally } from "./tally.ts";

const tickMs = 10;
const drainPollMs = 3;

const [system, url, variant] = process.argv.slice(2);
// What a system logs costs it a write, as in earnest, and does not mix with our lines.
console.log = (...words: unknown[]) => writeNowhere(words.join(" "));

const openQueue = await openQueueOf(system as Contender["system"]);
const queue = openQueue(url!, JSON.parse(variant!) as Variant);
let worker: { tally: Tally; stop: StopWorker; ticking: ReturnType<typeof setInterval> } | undefined;

const commands: {
  [K in CommandName]: (ask: Commands[K]["ask"]) => Promise<Commands[K]["answer"]>;
} = {
  install: () => queue.install().then(() => null),
  load: (backlog) => queue.load(backlog).then(() => null),
  contents: () => queue.contents(),

  async enqueue({ count, clients, first }) {
    let next = first;
    const client = async () => {
      while (next < first + count) await queue.enqueue(next++);
    };
    return await timed(() => Promise.all(Array.from({ length: clients }, client)));
  },

  enqueue_bulk: ({ first, count }) => timed(() => queue.enqueueBulk(first, count)),

  async trickle({ count, pauseMs }) {
    const moments: number[] = [];
    for (let n = 0; n < count; n++) {
      moments.push(wallClock());
      await queue.enqueue(n);
      await sleep(pauseMs * (0.5 + Math.random()));
    }
    return moments;
  },

  async drained({ limitMs }) {
    const end = wallClock() + limitMs;
    while (!await queue.isDrained()) {
      if (wallClock() > end) return null;
      await sleep(drainPollMs);
    }
    return wallClock();
  },

  async work({ jobs }) {
    const tally = new Tally(jobs);
    const ticking = setInterval(() => say({ tick: tally.tick() }), tickMs);
    worker = { tally, ticking, stop: await queue.work(tally.handle) };
    return null;
  },

  async stop() {
    if (!worker) throw new Error("No worker runs here.");
    await worker.stop();
    clearInterval(worker.ticking);
    return worker.tally.report();
  },
};

function say(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const { id, command, ask } = JSON.parse(line) as { id: number; command: CommandName; ask: never };
  try {
    say({ id, value: await commands[command](ask) });
  } catch (error) {
    say({ id, error: error instanceof Error ? error.stack ?? error.message : String(error) });
  }
});
// The benchmark ended, however it ended.
lines.on("close", () => process.exit(0));
say({ ready: true });
