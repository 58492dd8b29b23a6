import { withoutKeyInAuthorization } from "./api_keys.ts";
import { type Client, forward } from "./forward.ts";
import { forwardWebSocket, isWebSocketUpgrade } from "./forward_websocket.ts";

/** What stands behind the front door. */
export interface Backends {
  readonly dataApiUrl: string;
  readonly realtimeUrl: string;
  readonly functions: (request: Request, client: Client) => Promise<Response>;
}

/** Answers one request from outside. */
export type FrontDoor = (request: Request, client: Client) => Promise<Response>;

/** The one door to the API port: sends each request to the service its path names. */
export function frontDoor({ dataApiUrl, realtimeUrl, functions }: Backends): FrontDoor {
  return async (request, client) => {
    const { pathname, search } = new URL(request.url);
    const path = pathname + search;
    try {
      if (pathname === "/_part/ready") return new Response(null, { status: 200 });
      if (pathname.startsWith("/functions/v1/")) return await functions(request, client);
      if (/^\/(rest|auth)\/v1(\/|$)/.test(pathname)) {
        return await forward(withoutKeyInAuthorization(request), client, dataApiUrl, path);
      }
      if (/^\/realtime\/v1(\/|$)/.test(pathname)) {
        return isWebSocketUpgrade(request)
          ? await forwardWebSocket(request, client, realtimeUrl, path)
          : await forward(request, client, realtimeUrl, path);
      }
    } catch (error) {
      if (request.signal.aborted) return new Response(null, { status: 499 });
      const message = error instanceof Error ? error.message : String(error);
      return Response.json({
        message: "The service behind this path does not answer.",
        hint: message,
      }, {
        status: 502,
        headers: { "access-control-allow-origin": "*" },
      });
    }
    return Response.json({ message: "no Route matched with those values" }, { status: 404 });
  };
}
