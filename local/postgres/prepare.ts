import { join } from "node:path";
import { applyPlatform, platformHash } from "../platform/apply.ts";
import { freePort } from "../stack/ports.ts";
import { clusterTemplate, copyCluster, syncCluster } from "./cluster.ts";
import { connect, superuserUrl } from "./connect.ts";
import { exists, type Installation } from "./install.ts";
import { startServer } from "./server.ts";

/** Makes sure that a stack has a cluster; a new one already holds the platform, no migration. */
export async function ensureCluster(
  installation: Installation,
  dataDir: string,
  options: { fast: boolean },
): Promise<void> {
  if (await exists(dataDir)) return;
  const template = await clusterTemplate(installation, await platformHash(), async (draft) => {
    const port = freePort();
    const settings = { port, fast: true, output: "null" } as const;
    const server = await startServer(installation.root, draft, settings);
    const admin = connect(await superuserUrl(port, draft));
    try {
      await applyPlatform(admin);
    } finally {
      await admin.end();
      await server.stop(10_000);
    }
    // Written by the server, which lets everybody read what it writes.
    const vaultKey = join(draft, "supabase_vault_root.key");
    if (await exists(vaultKey)) await Deno.chmod(vaultKey, 0o600);
  });
  await copyCluster(template, dataDir);
  if (!options.fast) await syncCluster(installation, dataDir);
}
