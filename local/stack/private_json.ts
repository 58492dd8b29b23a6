/** Replaces a file that only its owner may read, in one step: a reader never sees half of it. */
export async function writePrivateJson(path: string, value: unknown): Promise<void> {
  const draft = `${path}.draft`;
  await Deno.writeTextFile(draft, JSON.stringify(value, null, 2) + "\n", { mode: 0o600 });
  await Deno.rename(draft, path);
}
