/** Says more than anybody reads. */
Deno.serve(() => {
  for (let line = 0; line < 30_000; line++) console.log("and another thing", line);
  return new Response("said");
});
