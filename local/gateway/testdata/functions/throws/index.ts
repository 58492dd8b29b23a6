Deno.serve(() => {
  throw new Error("handler failed");
});
