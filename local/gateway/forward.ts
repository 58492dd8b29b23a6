import { isSmall } from "./streams.ts";

/** Headers that belong to one connection and not to the message. */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Who sent a request, as the connection says. */
export interface Client {
  readonly address: string;
}

/**
 * The headers to send on. The address headers are overwritten, as the hosted gateway does: what a
 * client writes into them is not to be believed.
 */
export function forwardedHeaders(request: Request, client: Client): Headers {
  const headers = new Headers(request.headers);
  for (const name of hopByHop) headers.delete(name);
  const url = new URL(request.url);
  headers.delete("host");
  headers.set("x-forwarded-for", client.address);
  headers.set("x-real-ip", client.address);
  headers.set("cf-connecting-ip", client.address);
  headers.set("x-forwarded-host", url.host);
  headers.set("x-forwarded-port", url.port || "80");
  headers.set("x-forwarded-proto", "http");
  // fetch would unpack a compressed answer on the way; the front door may compress it again.
  headers.set("accept-encoding", "identity");
  return headers;
}

/**
 * Sends a request on to another origin, streaming both ways what is not small. A client that hangs up aborts it.
 *
 * @param path Path and query at the other side.
 */
export async function forward(
  request: Request,
  client: Client,
  origin: string,
  path: string,
  options: { signal?: AbortSignal; body?: ReadableStream<Uint8Array> | null } = {},
): Promise<Response> {
  const { signal = request.signal } = options;
  const response = await fetch(origin + path, {
    method: request.method,
    headers: forwardedHeaders(request, client),
    body: await bodyToSend(request, options.body),
    redirect: "manual",
    signal,
  });
  const headers = new Headers(response.headers);
  for (const name of hopByHop) headers.delete(name);
  const isWhole = isSmall(headers) && request.method !== "HEAD" && !noBody.has(response.status);
  return new Response(isWhole ? await response.bytes() : response.body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}

/** Statuses whose messages have no body, whatever their headers say. */
const noBody = new Set([204, 205, 304]);

async function bodyToSend(
  request: Request,
  replaced: ReadableStream<Uint8Array> | null | undefined,
): Promise<BodyInit | null> {
  if (request.method === "GET" || request.method === "HEAD") return null;
  if (replaced !== undefined) return replaced;
  return isSmall(request.headers) ? await request.bytes() : request.body;
}
