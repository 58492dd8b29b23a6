let cancelled = 0;

Deno.serve((request) => {
  if (new URL(request.url).pathname.endsWith("/cancelled")) return Response.json(cancelled);
  let count = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      controller.enqueue(new TextEncoder().encode(`line ${++count}\n`));
      if (count === 5 && !request.url.endsWith("?endless")) controller.close();
    },
    cancel() {
      cancelled++;
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
});
