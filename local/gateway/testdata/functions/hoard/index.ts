const kept: Uint8Array[] = [];

/** Keeps buffers, which are no part of the heap that V8 limits. */
Deno.serve(async () => {
  for (;;) {
    kept.push(new Uint8Array(4 * 1024 * 1024).fill(1));
    await new Promise((resolve) => setTimeout(resolve));
  }
});
