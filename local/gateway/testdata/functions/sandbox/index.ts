async function outcome(act: () => unknown): Promise<string> {
  try {
    await act();
    return "allowed";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

/** Tries what the hosted runtime does not allow. */
Deno.serve(async () =>
  Response.json({
    command: await outcome(() => new Deno.Command("true").output()),
    write: await outcome(() => Deno.writeTextFile("/tmp/not_allowed", "")),
    read_outside: await outcome(() => Deno.readTextFile("/etc/hostname")),
    listen: await outcome(() => Deno.listen({ port: 0 })),
    env_write: await outcome(() => Deno.env.set("A", "b")),
    worker: await outcome(() => new Worker("data:text/javascript,")),
    dlopen: await outcome(() => Deno.dlopen("x.so", {})),
  })
);
