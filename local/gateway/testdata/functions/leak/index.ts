const kept: number[][] = [];

Deno.serve(() => {
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => index + Math.random()));
});
