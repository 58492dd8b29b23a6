let cancelled = 0;
/** Streams that were asked to wait do so after their first line, until somebody asks for /go. */
let goOn = Promise.withResolvers<void>();

Deno.serve((request) => {
  const { pathname, search } = new URL(request.url);
  if (pathname.endsWith("/cancelled")) return Response.json(cancelled);
  if (pathname.endsWith("/go")) {
    goOn.resolve();
    goOn = Promise.withResolvers();
    return Response.json("gone");
  }
  const { promise } = goOn;
  let count = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (search === "?held" && count === 1) await promise;
      await new Promise((resolve) => setTimeout(resolve, 50));
      controller.enqueue(new TextEncoder().encode(`line ${++count}\n`));
      if (count === 5 && search !== "?endless") controller.close();
    },
    cancel() {
      cancelled++;
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
});
