/**
 * What all consent pages have in common: when nobody is asked, and how people go back to the app.
 * @module
 */
import type { Context } from "hono";
import type { ConsentMode } from "./consents.ts";

/** What is decided without asking; null shows the page. */
export function decidedAtOnce(c: Context, { auto, decision }: ConsentMode): string | null {
  const asked = c.req.header("x-simulator-consent");
  const inBrowser = c.req.header("accept")?.includes("text/html") ?? false;
  const isAtOnce = asked || auto === "always" || (auto === "browser" && !inBrowser);
  return isAtOnce ? asked ?? decision : null;
}

/** Sends a person back to the app; what is null is left out of the address. */
export function sendBack(
  c: Context,
  redirectUri: string,
  answer: Readonly<Record<string, string | null>>,
  fragment = "",
): Response {
  const target = new URL(redirectUri);
  for (const [name, value] of Object.entries(answer)) {
    if (value !== null) target.searchParams.set(name, value);
  }
  target.hash = fragment;
  return c.redirect(target.href, 302);
}
