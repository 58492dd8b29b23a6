import type { Version } from "./frames.ts";
import { limits } from "./limits.ts";
import type { Services } from "./services.ts";
import { Socket } from "./socket.ts";
import { TokenError } from "./tokens.ts";

/** Opens a WebSocket, or refuses it in plain HTTP. */
export async function handshake(
  request: Request,
  services: Services,
  sockets: Set<Socket>,
): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const key = request.headers.get("x-api-key") ?? query.get("apikey") ??
    request.headers.get("apikey");
  if (!key) return refuse("API key is missing");
  let claims;
  try {
    claims = await services.tokens.verify(key);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return refuse(
      error.message.startsWith("Token has expired") ? "Token has expired" : error.message,
    );
  }
  const { rates } = services;
  if (!rates.hasRoomFor()) return refuse("Too many connected users", 429);
  if (rates.joins.exceededBy()) return refuse("Too many joins per second", 429);
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return Response.json({ error: "A WebSocket handshake is expected" }, { status: 426 });
  }
  const version: Version = query.get("vsn") === "2.0.0" ? "2.0.0" : "1.0.0";
  const headers = Object.fromEntries(
    [...request.headers].filter(([name]) => name.startsWith("x-") && name !== "x-api-key"),
  );
  const { socket: webSocket, response } = Deno.upgradeWebSocket(request, {
    idleTimeout: limits.idleMs / 1000,
  });
  const socket = new Socket(services, webSocket, version, claims, headers);
  sockets.add(socket);
  webSocket.addEventListener("close", () => sockets.delete(socket));
  return response;
}

function refuse(error: string, status = 401): Response {
  return Response.json({ error }, { status });
}
