import postgres from "postgres";
import { Authorizer } from "./authorization.ts";
import { Changes } from "./changes/changes.ts";
import { PUBLICATION as CHANGES } from "./changes/subscription.ts";
import { broadcastMessage, isMessage, PUBLICATION as MESSAGES } from "./database_broadcasts.ts";
import { handshake } from "./handshake.ts";
import { Hub } from "./hub.ts";
import { limits } from "./limits.ts";
import { Presence } from "./presence.ts";
import { type Counting, type Plan, plans, Rates } from "./rates.ts";
import { Replay } from "./replay.ts";
import { ReplicationStream } from "./replication.ts";
import { broadcastBatch, broadcastOne } from "./rest.ts";
import type { Log, Services } from "./services.ts";
import type { Socket } from "./socket.ts";
import { type TokenOptions, Tokens } from "./tokens.ts";

/** What a realtime server needs to know. */
export interface RealtimeOptions extends TokenOptions {
  /** Connects as the superuser: it acts as any role, and follows the database. */
  databaseUrl: string;
  /** 0 = any free one. */
  port: number;
  log: Log;
  /** What the project may do in a second; the largest plan unless said. */
  plan?: Plan;
  /** For tests. */
  counting?: Counting;
}

/** A running server. */
export interface RealtimeServer {
  port: number;
  stop(): Promise<void>;
}

const POOL = 6;
const PARTITIONS_EVERY_MS = 60 * 60_000;
const BATCH = new URLPattern({ pathname: "{/realtime/v1}?/api/broadcast" });
const ONE = new URLPattern({ pathname: "{/realtime/v1}?/api/broadcast/:topic/events/:event" });
const WEBSOCKET = new URLPattern({ pathname: "{/realtime/v1}?/websocket" });

/** Starts the server. */
export function startRealtime(options: RealtimeOptions): RealtimeServer {
  const { databaseUrl, log } = options;
  const sql = postgres(databaseUrl, {
    max: POOL,
    onnotice: () => {},
    connection: { application_name: "realtime", TimeZone: "UTC" },
  });
  const hub = new Hub();
  const services: Services = {
    tokens: new Tokens(options),
    authorizer: new Authorizer(sql),
    hub,
    presence: new Presence(hub),
    replay: new Replay(sql),
    changes: new Changes(sql, log),
    rates: new Rates(options.plan ?? plans.team, options.counting),
    whenFollowing: () => stream.whenStreaming(limits.followMs),
    log,
  };
  const stream = new ReplicationStream({
    databaseUrl,
    publications: [MESSAGES, CHANGES],
    onChange: (change) =>
      isMessage(change) ? broadcastMessage(services, change) : services.changes.onChange(change),
    log,
  });
  const following = stream.run();
  const sockets = new Set<Socket>();
  const http = Deno.serve(
    { hostname: "127.0.0.1", port: options.port, onListen: () => {} },
    (request) => route(request, services, sockets, stream),
  );
  const keepPartitions = () =>
    sql`select realtime.keep_partitions()`.catch((error) =>
      log("error", "partitions were not made", { error: String(error) })
    );
  const partitions = setInterval(keepPartitions, PARTITIONS_EVERY_MS);

  return {
    port: http.addr.port,
    async stop() {
      clearInterval(partitions);
      for (const socket of sockets) socket.restart();
      await Promise.all([stream.stop(), following, sql.end({ timeout: 1 })]);
      // Open sockets are no reason to wait: their closing frames are on their way.
      await Promise.race([http.shutdown(), new Promise((done) => setTimeout(done, 200))]);
    },
  };
}

async function route(
  request: Request,
  services: Services,
  sockets: Set<Socket>,
  stream: ReplicationStream,
): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/_part/ready") {
    return new Response(null, { status: stream.streaming ? 200 : 503 });
  }
  if (WEBSOCKET.test(request.url)) return await handshake(request, services, sockets);
  if (request.method === "POST") {
    if (BATCH.test(request.url)) return await broadcastBatch(services, request);
    const { topic, event } = ONE.exec(request.url)?.pathname.groups ?? {};
    if (topic && event) {
      const [name, kind] = [decodeURIComponent(topic), decodeURIComponent(event)];
      return await broadcastOne(services, request, name, kind);
    }
  }
  return Response.json({ message: "Not found" }, { status: 404 });
}
