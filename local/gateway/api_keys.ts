/**
 * What the hosted gateway does with keys in front of rest and auth: an `sb_…` key in Authorization
 * is no token and is dropped, so that the key in `apikey` decides. (The hosted one then puts in a
 * token of that key's role; the local data API reads the key itself.)
 */
export function withoutKeyInAuthorization(request: Request): Request {
  if (!request.headers.get("authorization")?.startsWith("Bearer sb_")) return request;
  const headers = new Headers(request.headers);
  headers.delete("authorization");
  return new Request(request, { headers });
}
