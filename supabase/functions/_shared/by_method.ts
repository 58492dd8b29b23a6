import type { Endpoint } from "./endpoint_contract.ts";
import { preflight } from "./reply.ts";

/** One function whose callers differ by method: each request goes to the endpoint that lists its own. */
export function byMethod(...endpoints: [Endpoint, ...Endpoint[]]): Endpoint {
  const methods = endpoints.flatMap((endpoint) => endpoint.methods);

  async function fetch(request: Request): Promise<Response> {
    if (request.method === "OPTIONS") return preflight(methods);
    const chosen = endpoints.find((endpoint) => endpoint.methods.includes(request.method));
    if (chosen) return await chosen(request);
    // Any of them refuses and logs it, but knows its own methods only.
    const refusal = await endpoints[0](request);
    refusal.headers.set("allow", [...methods, "OPTIONS"].join(", "));
    return refusal;
  }

  return Object.assign(fetch, { methods });
}
