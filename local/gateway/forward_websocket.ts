import { type Client, forwardedHeaders } from "./forward.ts";

/** True when a request asks to become a WebSocket. */
export function isWebSocketUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** What may wait for one slow reader: beyond it the reader is dropped, as Realtime would drop it. */
const unsentBytes = 8 * 1024 * 1024;
const closePolicy = 1008;

/** Close codes that a program may not send itself. */
const reserved = new Set([1004, 1005, 1006, 1015]);

/**
 * Connects a client's WebSocket to another origin's. The other side comes first: when it refuses,
 * so do we, instead of opening a socket that closes at once.
 */
export async function forwardWebSocket(
  request: Request,
  client: Client,
  origin: string,
  path: string,
): Promise<Response> {
  const protocols = request.headers.get("sec-websocket-protocol")?.split(/\s*,\s*/) ?? [];
  const headers = forwardedHeaders(request, client);
  for (const name of [...headers.keys()]) {
    if (name.startsWith("sec-websocket-")) headers.delete(name);
  }
  const upstream = new WebSocket(origin.replace(/^http/, "ws") + path, { protocols, headers });
  upstream.binaryType = "arraybuffer";
  // What arrives before the client's side is open waits here.
  const early: (string | ArrayBuffer)[] = [];
  upstream.onmessage = ({ data }) => early.push(data);
  const isOpen = await new Promise<boolean>((resolve) => {
    upstream.onopen = () => resolve(true);
    upstream.onerror = () => resolve(false);
    upstream.onclose = () => resolve(false);
  });
  if (!isOpen) return new Response("WebSocket refused", { status: 502 });

  const { socket, response } = Deno.upgradeWebSocket(request, {
    ...(upstream.protocol ? { protocol: upstream.protocol } : {}),
    idleTimeout: 0,
  });
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    for (const data of early) socket.send(data);
    pipe(upstream, socket);
    pipe(socket, upstream);
    if (upstream.readyState !== WebSocket.OPEN) close(socket, 1006, "");
  };
  socket.onerror = () => close(upstream, 1006, "");
  return response;
}

function pipe(from: WebSocket, to: WebSocket): void {
  from.onmessage = ({ data }) => {
    if (to.readyState !== WebSocket.OPEN) return;
    if (to.bufferedAmount <= unsentBytes) return to.send(data);
    close(to, closePolicy, "Too slow");
    close(from, 1000, "");
  };
  from.onclose = ({ code, reason }) => close(to, code, reason);
  from.onerror = () => close(to, 1006, "");
}

function close(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState > WebSocket.OPEN) return;
  if (reserved.has(code)) socket.close();
  else socket.close(code, reason);
}
