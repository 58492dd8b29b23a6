import { deepEqual, equal, rejects } from "node:assert/strict";
import { type ProjectConfig, readProjectConfig } from "./config.ts";

async function read(toml: string): Promise<ProjectConfig> {
  const path = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    await Deno.writeTextFile(path, toml);
    return await readProjectConfig(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("password_requirements become GoTrue's lists of characters", async () => {
  const lists = async (name: string) =>
    (await read(`[auth]\npassword_requirements = "${name}"`)).auth.password_requirements;
  deepEqual(await lists(""), []);
  equal((await lists("letters_digits")).length, 2);
  deepEqual(await lists("lower_upper_letters_digits"), [
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "0123456789",
  ]);
  equal((await lists("lower_upper_letters_digits_symbols"))[3]!.length, 32);
  await rejects(lists("long_ones"));
});

Deno.test("durations are read as Go writes them", async () => {
  const pace = async (text: string) =>
    (await read(`[auth.email]\nmax_frequency = "${text}"`)).auth.email.max_frequency;
  equal(await pace("500ms"), 500);
  equal(await pace("1m30s"), 90_000);
  equal(await pace("1.5h"), 5_400_000);
  await rejects(pace("soon"));
});

Deno.test("what config.toml does not say has the CLI's default", async () => {
  const { auth } = await read("");
  equal(auth.minimum_password_length, 6);
  deepEqual(auth.password_requirements, []);
  equal(auth.email.max_frequency, 1000);
});
