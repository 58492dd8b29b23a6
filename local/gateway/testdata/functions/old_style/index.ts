Deno.serve({ onError: () => new Response("own error page", { status: 500 }) }, (request) => {
  if (request.url.endsWith("/fail")) throw new Error("failed");
  return new Response("old style");
});
