import { eventually } from "./contract_database.ts";

/** A request that came in. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly at: number;
}

/** A server that notes what it is asked; the path says how it answers. */
export function startTarget() {
  const seen: Seen[] = [];
  let slow = Promise.withResolvers<void>();
  /** Has those who asked for /slow be answered. */
  const answerSlow = () => {
    slow.resolve();
    slow = Promise.withResolvers();
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const url = new URL(request.url);
    seen.push({
      method: request.method,
      // Newer versions of libcurl write the digits of an encoded byte in large letters.
      path: (url.pathname + url.search).replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()),
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
      at: performance.now(),
    });
    if (url.pathname === "/slow") await slow.promise;
    if (url.pathname === "/moved") return Response.redirect(new URL("/target", url), 302);
    if (url.pathname === "/bad") return Response.json({ bad: true }, { status: 418 });
    return new Response("fine");
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    seen: (path: string) =>
      eventually(() => Promise.resolve(seen.find((one) => one.path === path))),
    count: (path: string) => seen.filter((one) => one.path === path).length,
    answerSlow,
    [Symbol.asyncDispose]: () => {
      answerSlow();
      return server.shutdown();
    },
  };
}
