Deno.serve(async (request) => {
  if (!request.url.endsWith("/now")) return Response.json(Deno.env.get("SB_EXECUTION_ID"));
  setTimeout(() => Promise.reject(new Error("nobody catches this")), 10);
  await new Promise(() => {});
  return new Response();
});
