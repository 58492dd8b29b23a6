/** Where the data API is to be found past the front door; functions do not get to see it. */
export const dataApiVariable = "STREAMVIBE_DATA_API_URL";

/**
 * Takes what a function asks of the data API there directly, and everything else the way it says.
 * The front door adds nothing to such a request but the function's own address, and to pass it twice
 * is a tenth of what an enqueue costs.
 */
export function shortWay(
  fetch: typeof globalThis.fetch,
  { supabaseUrl, dataApiUrl }: { supabaseUrl: string; dataApiUrl: string },
): typeof globalThis.fetch {
  const prefix = `${supabaseUrl}/rest/v1/`;
  return (input, init) =>
    typeof input === "string" && input.startsWith(prefix) && !carriesKeyAsToken(init)
      ? fetch(dataApiUrl + input.slice(supabaseUrl.length), init)
      : fetch(input, init);
}

/** The front door takes such a key out. */
function carriesKeyAsToken(init: RequestInit | undefined): boolean {
  return new Headers(init?.headers).get("authorization")?.startsWith("Bearer sb_") ?? false;
}
