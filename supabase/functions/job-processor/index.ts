import * as z from "zod";
import { endpoint } from "../_shared/endpoint.ts";
import { automationEnv, databaseEnv, platformEnv } from "../_shared/env.ts";
import { createEdgeProcessor } from "../_shared/jobs/edge_worker.ts";
import { keepAlive, onUnload } from "../_shared/jobs/isolate.ts";
import { accepted, ok } from "../_shared/reply.ts";

const processor = createEdgeProcessor();
onUnload(() => processor.unload());

/** Wakes the worker of this isolate and answers at once; `?wait=true` answers when it has nothing left. */
export default {
  fetch: endpoint({
    name: "job-processor",
    caller: "service",
    methods: ["POST"],
    query: z.object({ wait: z.enum(["true", "false"]).optional() }),
    // Not the keys of platforms: where one is not set up, its jobs say so, and all others are done.
    needs: [automationEnv, databaseEnv, platformEnv],
  }, async ({ query }) => {
    const { worker_id, outcome, life } = processor.ring();
    keepAlive(life);
    if (query.wait !== "true") return accepted({ worker_id, outcome });
    return ok({ worker_id, outcome, ...await processor.drained() });
  }),
};
