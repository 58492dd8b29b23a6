import { endpoint } from "../_shared/endpoint.ts";
import { automationEnv } from "../_shared/env.ts";
import { accepted } from "../_shared/reply.ts";

/** Enqueues a refresh for every connection whose tokens end soon, as the timetable does every six hours. */
export default {
  fetch: endpoint({
    name: "refresh-oauth-tokens",
    caller: "service",
    methods: ["POST"],
    needs: [automationEnv],
  }, async ({ db }) => {
    const { data: created } = await db.rpc("enqueue_token_refreshes").throwOnError();
    return accepted({ created });
  }),
};
