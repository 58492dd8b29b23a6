import type { StackDatabase } from "./database.ts";
import type { StackInfo } from "./info.ts";
import { automationKey, localKeys } from "./keys.ts";
import type { StackPorts } from "./ports.ts";

/** What `stack.json` says of a stack before its first part runs. */
export async function describeStack(
  name: string,
  ports: StackPorts,
  { urls, real, standIns, leftOut }: StackDatabase,
  stackDir: string,
): Promise<StackInfo> {
  const url = (port: number) => `http://127.0.0.1:${port}`;
  return {
    name,
    pid: Deno.pid,
    started_at: new Date().toISOString(),
    state_dir: stackDir,
    api_url: url(ports.api),
    ...urls,
    mail_url: url(ports.mail),
    providers_url: url(ports.providers),
    publishable_key: localKeys.publishable,
    secret_key: localKeys.secret,
    jwt_secret: localKeys.jwtSecret,
    automation_key: await automationKey(stackDir),
    parts: {},
    real,
    stand_ins: standIns,
    left_out: leftOut,
  };
}
