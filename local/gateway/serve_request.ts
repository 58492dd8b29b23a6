import { type Client, forward } from "./forward.ts";
import { forwardWebSocket, isWebSocketUpgrade } from "./forward_websocket.ts";
import type { FunctionPool } from "./function_pool.ts";
import type { FunctionProcess } from "./function_process.ts";
import type { FunctionLimits } from "./limits.ts";
import { isSmall, limitedBody, observedBody } from "./streams.ts";
import {
  bodyTooLargeResponse,
  BootError,
  bootErrorResponse,
  exitResponse,
  idleTimeoutResponse,
} from "./worker_errors.ts";

/** How long the end of a process may lag behind the end of its connections. */
const exitLagMs = 5_000;

/** Has a function answer a request; whatever goes wrong is answered as the platform would. */
export async function serveRequest(
  request: Request,
  client: Client,
  pool: FunctionPool,
  path: string,
  limits: FunctionLimits,
): Promise<Response> {
  if (Number(request.headers.get("content-length") ?? 0) > limits.bodyBytes) {
    return bodyTooLargeResponse(limits.bodyBytes);
  }
  let process: FunctionProcess;
  try {
    process = await pool.acquire();
  } catch (error) {
    if (error instanceof BootError) return bootErrorResponse();
    throw error;
  }

  process.requestBegan();
  const done = () => {
    process.requestEnded();
    pool.retireWhenFree(process);
  };
  try {
    const response = await send(request, client, process, path, limits);
    response.headers.set("x-served-by", "supabase-edge-runtime");
    response.headers.set("x-sb-edge-region", "local");
    if (!isSmall(response.headers)) return observedBody(response, done);
    // It is here already.
    done();
    return response;
  } catch (error) {
    done();
    throw error;
  }
}

async function send(
  request: Request,
  client: Client,
  process: FunctionProcess,
  path: string,
  limits: FunctionLimits,
): Promise<Response> {
  const origin = `http://127.0.0.1:${process.port}`;
  if (isWebSocketUpgrade(request)) return await forwardWebSocket(request, client, origin, path);

  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), limits.idleMs);
  const body = isSmall(request.headers) ? null : limitedBody(request.body, limits.bodyBytes);
  try {
    return await forward(request, client, origin, path, {
      body: body?.stream,
      signal: AbortSignal.any([request.signal, idle.signal]),
    });
  } catch (error) {
    if (body?.isTooLarge()) return bodyTooLargeResponse(limits.bodyBytes);
    if (idle.signal.aborted) return idleTimeoutResponse(limits.idleMs);
    if (request.signal.aborted) throw error;
    // The connection broke: the process is going down. Its end tells why.
    const lag = new Promise<"crash">((resolve) => setTimeout(resolve, exitLagMs, "crash"));
    return exitResponse(await Promise.race([process.ended, lag]));
  } finally {
    clearTimeout(timer);
  }
}
