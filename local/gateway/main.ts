/** The front door of the local stack, and the host of its edge functions. */
import { join } from "node:path";
import { exitWithSupervisor, log, partEnv } from "../part.ts";
import { repositoryRoot, stateRoot } from "../stack/paths.ts";
import { stackMark } from "../stack/supervised_part.ts";
import { frontDoor } from "./front_door.ts";
import { functionEnv } from "./function_env.ts";
import { functionLogFile } from "./function_log.ts";
import { endLeftFunctions, registryIn } from "./function_registry.ts";
import { Functions, watchedPaths } from "./functions.ts";
import { hostedLimits } from "./limits.ts";
import { projectSecrets } from "./project_secrets.ts";
import { jwtVerifier } from "./verify_jwt.ts";
import { watchSources } from "./watch.ts";

const env = partEnv();
if (!env.dataApiUrl || !env.realtimeUrl) {
  throw new Error("STACK_DATA_API_URL and STACK_REALTIME_URL are not set.");
}
const registry = registryIn(env.stackDir);
await endLeftFunctions(registry, stackMark(env.stackDir));

const supabaseDir = join(repositoryRoot, "supabase");
const wallClockMs = Number(Deno.env.get("STREAMVIBE_FUNCTION_WALL_CLOCK_MS")) ||
  hostedLimits.wallClockMs;

const functions = new Functions({
  supabaseDir,
  limits: { ...hostedLimits, wallClockMs },
  env: functionEnv(env, await projectSecrets(supabaseDir)),
  log: functionLogFile(join(env.stackDir, "logs", "functions.log")),
  readable: repositoryRoot,
  unreadable: [await stateRoot(), join(repositoryRoot, ".git")],
  verifyJwt: jwtVerifier({
    ...env,
    jwksUrl: `${env.dataApiUrl}/auth/v1/.well-known/jwks.json`,
  }),
  // The doorbell must not wait for a process to start.
  prewarm: ["job-processor"],
  mark: stackMark(env.stackDir),
  registry,
});
await functions.load();
const watcher = watchSources(watchedPaths(supabaseDir), (changed) => {
  log("info", "functions changed and are loaded again", { changed });
  functions.load(changed).catch((error) => {
    log("error", "functions could not be loaded", { error: String(error) });
  });
});

const answer = frontDoor({
  dataApiUrl: env.dataApiUrl,
  realtimeUrl: env.realtimeUrl,
  functions: (request, client) => functions.handle(request, client),
});
Deno.serve({
  hostname: "127.0.0.1",
  port: env.port,
  onListen: () => log("info", "gateway is ready", { port: env.port }),
}, (request, { remoteAddr }) => answer(request, { address: remoteAddr.hostname }));

exitWithSupervisor(async () => {
  watcher.close();
  await functions.stop();
});
