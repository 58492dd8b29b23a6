/** What goes wrong, and when. */
import { join } from "node:path";
import { readRegistry, registryIn } from "../../../local/gateway/function_registry.ts";
import type { RunningStack } from "../../../local/stack/client.ts";
import { readPostmaster } from "../../../local/postgres/postmaster.ts";
import { readStackFile } from "../../../local/stack/info.ts";
import { signal } from "../../../local/stack/process.ts";
import type { Control } from "./control.ts";
import type { Processors } from "./processes.ts";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class Adversary {
  readonly #done: Record<string, number> = {};
  #frozen: Promise<void>[] = [];

  constructor(
    private readonly stack: RunningStack,
    private readonly control: Control,
    private readonly processors: Processors,
    private readonly random: () => number,
  ) {}

  /** Does harm for so long; answers what it did, by name. */
  async rage(ms: number): Promise<Record<string, number>> {
    const end = Date.now() + ms;
    if (ms === 0) return this.#done;
    await Promise.all([this.#harass(end), this.#strike(ms)]);
    await Promise.all(this.#frozen);
    return this.#done;
  }

  /** Small harm to one processor after the other. */
  async #harass(end: number): Promise<void> {
    while (Date.now() < end) {
      await sleep(300 + this.random() * 600);
      const dice = this.random();
      if (dice < 0.3) this.#do("killed", () => this.processors.kill());
      else if (dice < 0.65) {
        // Longer than a lease of two seconds, so that it wakes as a zombie.
        const ms = 2_500 + this.random() * 2_500;
        this.#do("frozen", () => void this.#frozen.push(this.processors.freeze(ms)));
      } else if (dice < 0.72) await this.#do("cut off", () => this.#cutOff());
      else if (dice < 0.77) {
        this.#do("session hung", () => void this.#frozen.push(this.#hangSession()));
      } else if (dice < 0.87) this.#do("ended", () => this.processors.end());
      else if (dice < 0.94) {
        await this.#do("edge worker killed", () => this.#signalEdgeWorker("SIGKILL"));
      } else this.#do("edge worker frozen", () => void this.#frozen.push(this.#freezeEdgeWorker()));
    }
  }

  /** The great ones, each at its time. */
  async #strike(ms: number): Promise<void> {
    await sleep(ms * 0.2);
    await this.#do("PostgreSQL killed", () => this.#signalPostgres("SIGKILL"));
    await sleep(ms * 0.25);
    await this.#do("PostgreSQL restarted", () => this.#signalPostgres("SIGINT"));
    await sleep(ms * 0.1);
    await this.#do("type paused", () => this.control.pauseType("chaos_short", 3_000));
    await this.#do("user paused", () => this.control.pauseUser(3_000));
    await this.#do("doorbell refused", () => this.#silenceDoorbell(ms * 0.12));
    await this.#do("timetable stopped", () => this.#stopTimetable(ms * 0.12));
  }

  /** Neither pg_cron nor pg_net does anything. */
  async #stopTimetable(ms: number): Promise<void> {
    const pid = (await readStackFile(this.stack.file))?.parts.scheduler?.pid;
    if (!pid) return;
    signal(pid, "SIGSTOP");
    await sleep(ms);
    signal(pid, "SIGCONT");
  }

  async #do(name: string, harm: () => unknown): Promise<void> {
    this.#done[name] = (this.#done[name] ?? 0) + 1;
    await harm();
  }

  async #signalPostgres(name: Deno.Signal): Promise<void> {
    const postmaster = await readPostmaster(join(this.stack.state_dir, "pgdata"));
    if (postmaster) signal(postmaster.pid, name);
  }

  /** Ends the sessions of one processor: to it, the network is gone. */
  async #cutOff(): Promise<void> {
    await this.control.persist(() =>
      this.control.sql`
        with victim as (
          select application_name from pg_stat_activity
          where application_name ~ '^(chaos-\\d+|job-processor)$' order by random() limit 1
        )
        select pg_terminate_backend(pid) from pg_stat_activity join victim using (application_name)`
    );
  }

  /** One session stands still in the middle of whatever it does, with the locks it holds. */
  async #hangSession(): Promise<void> {
    const [session] = await this.control.persist(() =>
      this.control.rows<{ pid: number }>(this.control.sql`
        select pid from pg_stat_activity
        where application_name ~ '^(chaos-\\d+|job-processor)$'
        order by state = 'active' desc, random() limit 1`)
    );
    if (!session) return;
    signal(session.pid, "SIGSTOP");
    await sleep(3_000);
    signal(session.pid, "SIGCONT");
  }

  async #edgeWorker(): Promise<number | undefined> {
    return (await readRegistry(registryIn(this.stack.state_dir)))["job-processor"]?.pid;
  }

  async #signalEdgeWorker(name: Deno.Signal): Promise<void> {
    const pid = await this.#edgeWorker();
    if (pid) signal(pid, name);
  }

  async #freezeEdgeWorker(): Promise<void> {
    const pid = await this.#edgeWorker();
    if (!pid) return;
    signal(pid, "SIGSTOP");
    await sleep(3_000);
    signal(pid, "SIGCONT");
  }

  /** The key that opens the processor's door is gone, and comes back. */
  async #silenceDoorbell(ms: number): Promise<void> {
    const { control } = this;
    const rename = (from: string, to: string) =>
      control.persist(() =>
        control.sql`
          select vault.update_secret(id, new_name => ${to}) from vault.secrets where name = ${from}`
      );
    await rename("automation_key", "automation_key_taken_away");
    await sleep(ms);
    await rename("automation_key_taken_away", "automation_key");
  }
}
