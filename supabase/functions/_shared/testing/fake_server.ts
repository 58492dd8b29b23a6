/** For tests: an HTTP server on a free port that answers as told and remembers what it was asked. */

/** What the server was asked. */
export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  authorization: string | null;
  body: string;
}

/** A running fake. */
export interface FakeServer extends AsyncDisposable {
  url: string;
  seen: SeenRequest[];
}

/** Starts a server whose answers come from `answer`; dispose of it with `await using`. */
export function serveFake(
  answer: (request: SeenRequest, signal: AbortSignal) => Response | Promise<Response>,
): FakeServer {
  const seen: SeenRequest[] = [];
  const stopping = new AbortController();
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
    signal: stopping.signal,
  }, async (request) => {
    const url = new URL(request.url);
    const asked = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.get("authorization"),
      body: await request.text(),
    };
    seen.push(asked);
    return await answer(asked, stopping.signal);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    seen,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await server.finished;
    },
  };
}
