declare const EdgeRuntime: { waitUntil(promise: Promise<unknown>): void };

addEventListener("beforeunload", (event) => {
  console.log("beforeunload", (event as CustomEvent<{ reason: string }>).detail.reason);
});

async function work(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log("background work done");
  throw new Error("background work failed");
}

Deno.serve((request) => {
  if (request.url.endsWith("/long")) EdgeRuntime.waitUntil(new Promise(() => {}));
  EdgeRuntime.waitUntil(work());
  return new Response("accepted", { status: 202 });
});
