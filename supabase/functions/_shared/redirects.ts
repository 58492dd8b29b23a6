import * as z from "zod";
import { linkEnv } from "./env.ts";

/**
 * Whether a browser may be sent there: a page of our own site, nothing else. Not the API either: it
 * holds redirects and uploads, and what comes along may be a code that only our pages should see.
 */
export function isAllowedRedirect(target: string, siteUrl = linkEnv().siteUrl): boolean {
  const own = new URL(siteUrl);
  let url: URL;
  try {
    url = new URL(target);
  } catch {
    return false;
  }
  // The origin covers scheme, host and port, except that blob: addresses borrow one and that all
  // schemes without one share "null". A name and password before the host only serve deceit.
  return own.origin === url.origin && own.protocol === url.protocol &&
    url.username === "" && url.password === "";
}

/** A page to go to afterwards. */
export const RedirectTarget = z.string().max(2000).refine(
  (target) => isAllowedRedirect(target),
  "Must be a page of this site",
);

/** The same page with these query parameters set. */
export function withQuery(page: string, parameters: Record<string, string>): string {
  const url = new URL(page);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
