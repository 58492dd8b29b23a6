import { join } from "node:path";
import postgres from "postgres";
import { exists } from "../postgres/install.ts";
import { readPostmaster } from "../postgres/postmaster.ts";
import { giveToPostgres, unprivileged } from "../postgres/unprivileged.ts";
import { freePort } from "../stack/ports.ts";
import { waitUntil } from "../stack/process.ts";

/** A PostgreSQL that somebody installed on this machine. */
export interface InstalledServer {
  readonly binaries: string;
  /** Has pg_cron beside it. */
  readonly hasCron: boolean;
}

/** Debian's places, oldest first: the oldest that StreamVibe supports says most. */
const debianVersions = ["15", "16", "17", "18"];

/** The server to test with, or null when this machine has none; one that is named has to be there. */
export async function findInstalledServer(): Promise<InstalledServer | null> {
  const chosen = Deno.env.get("STREAMVIBE_TEST_POSTGRES_BIN");
  const folders = chosen
    ? [chosen]
    : debianVersions.map((version) => `/usr/lib/postgresql/${version}/bin`);
  const found: InstalledServer[] = [];
  for (const binaries of folders) {
    if (!await exists(join(binaries, "initdb"))) continue;
    found.push({ binaries, hasCron: await exists(join(binaries, "..", "lib", "pg_cron.so")) });
  }
  if (chosen && found.length === 0) throw new Error(`There is no PostgreSQL server in ${chosen}.`);
  return found.find(({ hasCron }) => hasCron) ?? found[0] ?? null;
}

/** A cluster of its own in a temporary folder, on a free port, as an administrator would set it up. */
export class TestServer implements AsyncDisposable {
  readonly port = freePort();
  readonly #binaries: string;
  readonly #folder: string;
  #child: Deno.ChildProcess | null = null;

  private constructor(binaries: string, folder: string) {
    this.#binaries = binaries;
    this.#folder = folder;
  }

  /** Makes the cluster with these lines in its postgresql.conf and starts it. */
  static async start({ binaries }: InstalledServer, settings: string[]): Promise<TestServer> {
    const folder = await Deno.makeTempDir({ prefix: "streamvibe_server_" });
    const server = new TestServer(binaries, folder);
    try {
      const password = join(folder, "password");
      await Deno.writeTextFile(password, "geheim");
      await giveToPostgres(folder);
      await run(join(binaries, "initdb"), [
        `--pgdata=${server.#data}`,
        "--username=postgres",
        `--pwfile=${password}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
      ]);
      await server.configure(settings);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The URL of one of its databases. */
  url(database = "postgres", role = "postgres", password = "geheim"): string {
    return `postgresql://${role}:${password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs statements as the superuser; answers with the rows of the last. */
  async query(text: string, database = "postgres"): Promise<postgres.Row[]> {
    const sql = postgres(this.url(database), { max: 1, onnotice: () => {} });
    try {
      return [...await sql.unsafe(text)];
    } finally {
      await sql.end();
    }
  }

  /** Starts with other settings. */
  async configure(settings: string[]): Promise<void> {
    await this.#stop();
    const lines = [
      `port = ${this.port}`,
      "listen_addresses = '127.0.0.1'",
      "unix_socket_directories = ''",
      "fsync = off",
      ...settings,
    ];
    await Deno.writeTextFile(join(this.#data, "postgresql.conf"), lines.join("\n") + "\n");
    this.#child = new Deno.Command(join(this.#binaries, "postgres"), {
      args: ["-D", this.#data],
      ...unprivileged(),
      cwd: "/",
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const ready = async () => (await readPostmaster(this.#data))?.ready === true;
    if (!await waitUntil(ready, 30_000)) throw new Error("the test's own server did not start");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await Deno.remove(this.#folder, { recursive: true });
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  async #stop(): Promise<void> {
    this.#child?.kill("SIGQUIT");
    await this.#child?.status;
    this.#child = null;
  }
}

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args,
    ...unprivileged(),
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
}
