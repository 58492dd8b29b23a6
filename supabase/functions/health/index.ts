import { endpoint } from "../_shared/endpoint.ts";
import { releaseEnv } from "../_shared/env.ts";
import { checkHealth } from "./check_health.ts";

/** Says whether the parts that the product rests on work. For monitors: no rate limit, no details. */
export default {
  fetch: endpoint({
    name: "health",
    caller: "public",
    methods: ["GET"],
    rateLimit: false,
  }, async () => {
    const health = await checkHealth();
    return Response.json({ ...health, version: releaseEnv().version }, {
      status: health.success ? 200 : 503,
    });
  }),
};
