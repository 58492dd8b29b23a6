/** Burns CPU, but comes back to the event loop all the time. */
Deno.serve(async () => {
  for (;;) {
    const until = performance.now() + 20;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve));
  }
});
