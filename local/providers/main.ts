/**
 * The part of the local stack that plays the providers.
 * @module
 */
import { join } from "node:path";
import { exitWithSupervisor, log, partEnv } from "../part.ts";
import { keptFile } from "./kept_file.ts";
import { createSimulator, localClients } from "./simulator.ts";
import { World } from "./world.ts";

const env = partEnv();
const file = keptFile(join(env.stackDir, "providers.json"));
const world = new World(localClients(env.apiUrl), file.read(), file.write);
const simulator = createSimulator(world);
simulator.onError((error, c) => {
  log("error", "a simulated provider broke", { path: c.req.path, error: String(error) });
  return c.json({ error: "the simulator broke; see its log" }, 500);
});
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: env.port,
  onListen: ({ port }) => log("info", "simulated providers are listening", { port }),
}, simulator.fetch);
exitWithSupervisor(() => server.shutdown());
