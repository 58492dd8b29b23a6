import { isRecord } from "../frames.ts";

/** What a client asks for when it joins a channel. */
export interface JoinConfig {
  private: boolean;
  /** Answer every broadcast. */
  ack: boolean;
  /** Send broadcasts back to their sender. */
  self: boolean;
  /** Say when messages from the database arrive. */
  replicationReady: boolean;
  replay?: { since: unknown; limit: unknown };
  presence: { key: string; enabled: boolean };
  /** The bindings exactly as sent: the client compares them with the reply. */
  changes: Record<string, unknown>[];
  /** Join only once the changes are subscribed to. */
  waitForChanges: boolean;
  accessToken?: string;
}

/** Reads the payload of a `phx_join`; what is missing or of another type gets its default. */
export function joinConfig(payload: Record<string, unknown>): JoinConfig {
  const config = record(payload.config);
  const broadcast = record(config.broadcast);
  const presence = record(config.presence);
  const changes = Array.isArray(config.postgres_changes) ? config.postgres_changes : [];
  const token = payload.access_token ?? payload.user_token;
  return {
    private: flag(config.private),
    ack: flag(broadcast.ack),
    self: flag(broadcast.self),
    replicationReady: flag(broadcast.replication_ready),
    replay: isRecord(broadcast.replay)
      ? { since: broadcast.replay.since, limit: broadcast.replay.limit ?? 25 }
      : undefined,
    presence: {
      key: typeof presence.key === "string" && presence.key ? presence.key : crypto.randomUUID(),
      enabled: flag(presence.enabled),
    },
    changes: changes.filter(isRecord),
    waitForChanges: flag(record(config.postgres_changes_options).wait),
    accessToken: typeof token === "string" ? token : undefined,
  };
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

// Clients in other languages send booleans as text.
function flag(value: unknown): boolean {
  return value === true || String(value).toLowerCase() === "true";
}
