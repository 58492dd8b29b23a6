/** Forgets to catch what fails once it has answered. */
Deno.serve(() => {
  setTimeout(() => Promise.reject(new Error("too late to tell")), 20);
  return Response.json(Deno.env.get("SB_EXECUTION_ID"));
});
