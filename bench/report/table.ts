import { type ContenderId, contenders } from "../queues/contenders.ts";
import { spreadOf } from "../statistics.ts";
import type { Results } from "./results.ts";

/** How a figure is shown. */
export interface FigureKind {
  readonly title: string;
  readonly show: (value: number) => string;
}

const jobs = (value: number) =>
  value >= 10_000 ? `${(value / 1000).toFixed(1)}k` : value.toFixed(0);
const milliseconds = (value: number) => value.toFixed(2);
const percent = (value: number) => `${(value * 100).toFixed(0)} %`;
const whole = (value: number) => value.toFixed(0);

/** Every figure, in the order of the report. */
export const figureKinds: Record<string, FigureKind> = {
  enqueue_1: { title: "enqueue, 1 client, jobs/s", show: jobs },
  enqueue_database_cpu_us: { title: "enqueue, database CPU per job, µs", show: whole },
  enqueue_8: { title: "enqueue, 8 clients, jobs/s", show: jobs },
  bulk: { title: "bulk enqueue, jobs/s", show: jobs },
  latency_p50: { title: "enqueue to handler start, p50, ms", show: milliseconds },
  latency_p95: { title: "enqueue to handler start, p95, ms", show: milliseconds },
  drain_1: { title: "drain, 1 process, jobs/s", show: jobs },
  drain_2: { title: "drain, 2 processes, jobs/s", show: jobs },
  drain_wal_bytes: { title: "drain, WAL bytes per job", show: whole },
  drain_worker_cpu_us: { title: "drain, worker CPU per job, µs", show: whole },
  drain_database_cpu_us: { title: "drain, database CPU per job, µs", show: whole },
  large_drain_1: { title: "large drain, 1 process, jobs/s", show: jobs },
  large_drain_2: { title: "large drain, 2 processes, jobs/s", show: jobs },
  large_drain_wal_bytes: { title: "large drain, WAL bytes per job", show: whole },
  large_drain_worker_cpu_us: { title: "large drain, worker CPU per job, µs", show: whole },
  large_drain_database_cpu_us: { title: "large drain, database CPU per job, µs", show: whole },
  ...lossKinds("snapshot", "a held snapshot"),
  ...lossKinds("pending", "a crowd that waits"),
  ...lossKinds("finished", "finished jobs"),
};

/** The figures of a hindrance; see `measureLoss()`. */
function lossKinds(name: string, hindrance: string): Record<string, FigureKind> {
  const drain = `drain of the same size without ${hindrance}, jobs/s`;
  return {
    [`${name}_plain_drain`]: { title: drain, show: jobs },
    [`${name}_drain`]: { title: `drain beside ${hindrance}, jobs/s`, show: jobs },
    [`${name}_loss`]: { title: `lost by ${hindrance}`, show: percent },
    [`${name}_cpu_growth`]: {
      title: `more CPU per job, database and worker, by ${hindrance}`,
      show: percent,
    },
  };
}

/** Every figure that was measured, one block each: median, min to max, and the number of rounds. */
export function tableOf(results: Results): string {
  const blocks = Object.entries(figureKinds).map(([figure, kind]) => {
    const lines = linesOf(results, figure, kind);
    return lines.length > 0 ? [kind.title, ...lines].join("\n") : "";
  });
  return blocks.filter(Boolean).join("\n\n");
}

function linesOf(results: Results, figure: string, { show }: FigureKind): string[] {
  return (Object.keys(contenders) as ContenderId[]).flatMap((id) => {
    const samples = results.of(id, figure);
    if (samples.length === 0) return [];
    const { median, min, max } = spreadOf(samples);
    const spread = samples.length > 1 ? `${show(min)} – ${show(max)}` : "";
    const rounds = `${samples.length} round${samples.length > 1 ? "s" : ""}`;
    return `  ${contenders[id].title.padEnd(40)} ${show(median).padStart(8)}  ${
      spread.padEnd(18)
    }${rounds}`;
  });
}
