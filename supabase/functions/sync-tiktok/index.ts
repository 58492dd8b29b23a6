import { syncEndpoint } from "../_shared/sync_endpoint.ts";

export default { fetch: syncEndpoint("tiktok") };
