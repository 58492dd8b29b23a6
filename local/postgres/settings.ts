/** How a server is run. */
export interface ServerSettings {
  readonly port: number;
  /** Trades safety against power loss for speed: only for stacks that tests throw away. */
  readonly fast: boolean;
  /** Log between two checkpoints; given here, since what the server starts with outranks `alter system`. */
  readonly maxWalSize?: string;
}

/** Command-line settings of the server: logical replication for Realtime, small and loopback only. */
export function serverArguments(
  { port, fast, maxWalSize = "512MB" }: ServerSettings,
): string[] {
  const settings: Record<string, string> = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    wal_level: "logical",
    max_connections: "100",
    max_replication_slots: "10",
    max_wal_senders: "10",
    shared_buffers: "256MB",
    max_wal_size: maxWalSize,
    // A reader that never comes back must not fill the disk with log kept for it.
    max_slot_wal_keep_size: "512MB",
    shared_preload_libraries: "pg_stat_statements",
    // Hosted projects run in UTC; a developer's own zone must not leak into results.
    timezone: "UTC",
    log_timezone: "UTC",
    log_line_prefix: "%m [%p] %q%u@%a ",
    log_checkpoints: "off",
    // Statements can carry secrets (vault.create_secret), so errors are logged without them.
    log_min_error_statement: "panic",
    // The advisors look here for the schemas that the API shows.
    "pgrst.db_schemas": "public",
    // Not synchronous_commit: with it off, Realtime hears of a commit up to 400 ms later.
    ...(fast ? { fsync: "off", full_page_writes: "off" } : {}),
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
