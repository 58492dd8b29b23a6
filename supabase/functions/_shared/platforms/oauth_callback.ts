/** The way back from a provider, the same for every platform. */

import * as z from "zod";
import type { Context } from "../endpoint.ts";
import { toAppError } from "../error_mapping.ts";
import { AppError } from "../errors.ts";
import { withQuery } from "../redirects.ts";
import { ok, seeOther } from "../reply.ts";
import {
  type ConnectablePlatform,
  finishAuthorization,
  type PendingAuthorization,
  takeAuthorization,
} from "./authorization.ts";

/** What a provider sends back: a code, or why there is none. */
export const CallbackQuery = z.object({
  state: z.string().min(1).max(512),
  code: z.string().min(1).max(2048).optional(),
  error: z.string().min(1).max(200).optional(),
}).refine(
  ({ code, error }) => code !== undefined || error !== undefined,
  "code or error is needed",
);

type Redirected = Context<"provider_redirect", z.infer<typeof CallbackQuery>, undefined>;

/**
 * Finishes the authorization and sends the browser where it asked to go, with `social_account_id` or
 * `error=<CODE>`. Without such a page, or to who accepts JSON, it answers like any endpoint. A state that
 * is not ours leads nowhere: its answer is always JSON.
 */
export async function receiveRedirect(
  platform: ConnectablePlatform,
  { request, query, signal, log }: Redirected,
): Promise<Response> {
  const pending = await takeAuthorization(platform, query.state);
  const acceptsJson = request.headers.get("accept")?.includes("application/json");
  const page = acceptsJson ? null : pending.redirect_to;
  try {
    const social_account_id = await connect(platform, pending, query, signal);
    return page ? seeOther(withQuery(page, { social_account_id })) : ok({ social_account_id });
  } catch (thrown) {
    if (!page) throw thrown;
    const error = toAppError(thrown);
    const ours = error.status >= 500;
    log[ours ? "error" : "info"]("connecting an account failed", {
      error_code: error.code,
      ...(ours && { error }),
    });
    return seeOther(withQuery(page, { error: error.code }));
  }
}

function connect(
  platform: ConnectablePlatform,
  pending: PendingAuthorization,
  { code, error }: z.infer<typeof CallbackQuery>,
  signal: AbortSignal,
): Promise<string> {
  if (error === "access_denied") throw new AppError("OAUTH_DENIED");
  if (error !== undefined || code === undefined) {
    throw new AppError("OAUTH_EXCHANGE_FAILED", { cause: `provider said ${error}` });
  }
  return finishAuthorization(platform, pending, code, { signal });
}
