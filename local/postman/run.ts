/**
 * Runs the Postman collections by newman on a running stack.
 * @module
 */
import { join } from "node:path";
import { z } from "zod";
import { readStack, type StackInfo } from "../stack/client.ts";

const folder = new URL("../../postman/", import.meta.url).pathname;

const reportShape = z.object({
  run: z.object({
    stats: z.object({ assertions: z.object({ total: z.number(), failed: z.number() }) }),
    failures: z.array(z.object({
      source: z.object({ name: z.string() }).partial().optional(),
      error: z.object({ test: z.string(), message: z.string() }).partial(),
    })),
  }),
});

/** What the collections need to know of a stack. */
export type CollectionTarget = Pick<
  StackInfo,
  "api_url" | "publishable_key" | "automation_key" | "mail_url" | "providers_url"
>;

/** What a stack is called in the collections. */
function variables(stack: CollectionTarget): string[] {
  const values = {
    api_url: stack.api_url,
    publishable_key: stack.publishable_key,
    automation_key: stack.automation_key,
    mail_url: stack.mail_url,
    providers_url: stack.providers_url,
  };
  return Object.entries(values).flatMap(([name, value]) => ["--env-var", `${name}=${value}`]);
}

async function runCollection(
  file: string,
  stack: CollectionTarget,
): Promise<{ passed: number; failed: number }> {
  const report = await Deno.makeTempFile({ suffix: ".json" });
  try {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-all",
        "--quiet",
        "npm:newman@6.2.2",
        "run",
        join(folder, file),
        ...["--environment", join(folder, "local.postman_environment.json")],
        ...variables(stack),
        ...["--reporters", "json", "--reporter-json-export", report],
        ...["--timeout-request", "30000", "--timeout", "240000"],
      ],
      cwd: folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const text = await Deno.readTextFile(report);
    if (!text) {
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      throw new Error(`newman could not run ${file}:\n${said}`);
    }
    const { stats, failures } = reportShape.parse(JSON.parse(text)).run;
    for (const { source, error } of failures) {
      console.log(
        `  ${file}: ${source?.name ?? "?"}: ${error.test ?? "error"}: ${error.message ?? ""}`,
      );
    }
    // A request that broke is a failure too, though no assertion says so.
    return { passed: stats.assertions.total - stats.assertions.failed, failed: failures.length };
  } finally {
    await Deno.remove(report);
  }
}

/** Runs the collections whose file name contains `filter` and prints each failed assertion. */
export async function runCollections(
  stack: CollectionTarget,
  filter = "",
): Promise<{ passed: number; failed: number }> {
  const files = [...Deno.readDirSync(folder)].map((entry) => entry.name)
    .filter((name) => name.endsWith(".postman_collection.json") && name.includes(filter)).sort();
  const sum = { passed: 0, failed: 0 };
  for (const file of files) {
    const { passed, failed } = await runCollection(file, stack);
    sum.passed += passed;
    sum.failed += failed;
    console.log(`${file}: ${passed} assertions passed, ${failed} failed`);
  }
  return sum;
}

if (import.meta.main) {
  const { passed, failed } = await runCollections(await readStack(), Deno.args[0]);
  console.log(`Postman: ${passed} assertions passed, ${failed} failed`);
  Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
}
