import { functionSecrets } from "../../../local/functions.env.ts";
import type { StackInfo } from "../../../local/stack/info.ts";

/** Starts `sync_worker.ts` with the configuration that the stack gives to functions. */
export function startSyncWorker(stack: StackInfo, bucket: string, args: string[]) {
  const script = new URL("./sync_worker.ts", import.meta.url).pathname;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, ...args],
    env: {
      ...functionSecrets({
        apiUrl: stack.api_url,
        automationKey: stack.automation_key,
        providersUrl: stack.providers_url,
      }),
      TEST_BUCKET: bucket,
      SUPABASE_URL: stack.api_url,
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: stack.publishable_key }),
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: stack.secret_key }),
    },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}
