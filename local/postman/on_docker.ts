/**
 * `deno task docker:collections`: the same collections on the Docker stack of the Supabase CLI, with
 * the provider simulator beside it. Needs a Docker engine; nothing else in this repository does.
 */
import { functionSecrets } from "../functions.env.ts";
import { localKeys } from "../stack/keys.ts";
import { defaultApiPort, portsFrom } from "../stack/ports.ts";
import { localClients, serveSimulator } from "../providers/simulator.ts";
import { World } from "../providers/world.ts";
import { supabase } from "../supabase_cli.ts";
import { runCollections } from "./run.ts";

const ports = portsFrom(defaultApiPort);
const apiUrl = `http://127.0.0.1:${ports.api}`;
const providersUrl = `http://127.0.0.1:${ports.providers}`;
const automationKey = `sv_automation_${crypto.randomUUID()}`;

/** What `supabase/config.toml` reads from the environment. */
const settings = {
  PROJECT_URL: "http://kong:8000",
  ...functionSecrets({
    apiUrl,
    automationKey,
    providersUrl,
    // How a container calls this machine; the browser's leg of OAuth stays on the loopback address.
    providersFromFunctions: `http://host.docker.internal:${ports.providers}`,
  }),
};

async function cli(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await supabase(args);
  if (code !== 0) throw new Error(`supabase ${args.join(" ")} failed:\n${stdout}${stderr}`);
}

for (const [name, value] of Object.entries(settings)) Deno.env.set(name, value);
// All addresses: containers reach this machine through its bridge, not through loopback.
const simulator = serveSimulator(new World(localClients(apiUrl)), ports.providers, "0.0.0.0");
let failed = 0;
try {
  await cli("start");
  const totals = await runCollections({
    api_url: apiUrl,
    publishable_key: localKeys.publishable,
    automation_key: automationKey,
    mail_url: `http://127.0.0.1:${ports.mail}`,
    providers_url: providersUrl,
  });
  failed = totals.failed;
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
} finally {
  await supabase(["stop", "--no-backup"]);
  await simulator[Symbol.asyncDispose]();
}
Deno.exit(failed === 0 ? 0 : 1);
