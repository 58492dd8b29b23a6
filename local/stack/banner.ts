import { withoutPassword } from "../own_database/database_url.ts";
import { taskFor } from "./info.ts";
import type { SupervisedStack } from "./start.ts";

/** What a person sees when a stack is up. */
export function banner({ info, failed }: SupervisedStack, tookMs: number): string {
  const rows: [string, string][] = [
    ["API", info.api_url],
    ["database", info.parts.postgres ? info.db_url : withoutPassword(info.db_url)],
    ["mail", info.mail_url],
    ["providers", info.providers_url],
    ["publishable key", info.publishable_key],
    ["secret key", info.secret_key],
    ["state and logs", info.state_dir],
    ["real", info.real.join(", ")],
    ["stand-ins", info.stand_ins.join(", ")],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  const failures = failed.map(({ name, logFile }) =>
    `\n  ${name} does NOT run; the reason is in ${logFile}`
  );
  const leftOut = Object.entries(info.left_out).map(([name, reason]) =>
    `\n  ${name} does NOT run: ${reason}.`
  );
  return [
    "",
    `StreamVibe stack "${info.name}" is up after ${(tookMs / 1000).toFixed(1)} s.`,
    "",
    ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`),
    ...failures,
    ...leftOut,
    "",
    `Next: ${taskFor("demo", info.name)} (in another terminal). ` +
    `Ctrl-C here, or ${taskFor("stop", info.name)}, ends the stack.`,
  ].join("\n");
}
