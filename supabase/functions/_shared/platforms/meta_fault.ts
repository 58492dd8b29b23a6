import * as z from "zod";
import { classOfStatus, type FailedResponse, type FaultReading } from "./http_fault.ts";
import { readWait } from "./meta_usage.ts";
import type { ProviderErrorClass } from "./provider_error.ts";

/** Of the graph hosts. */
const GraphBody = z.object({
  error: z.object({
    message: z.string().optional(),
    code: z.number(),
    error_subcode: z.number().optional(),
    is_transient: z.boolean().optional(),
    fbtrace_id: z.string().optional(),
  }),
});

/** Of Instagram's token host, which numbers by status. */
const TokenHostBody = z.object({
  error_type: z.string(),
  code: z.number().optional(),
  error_message: z.string().default(""),
});

/** By code: the status is 400 for nearly everything. */
const CLASS_OF_CODE: Record<number, ProviderErrorClass> = {
  1: "retry_transient",
  2: "retry_transient",
  9: "quota_daily",
  10: "permission",
  101: "permission",
  102: "reauth",
  190: "reauth",
  368: "policy",
  452: "reauth",
  803: "not_found",
};

/** Limits of the app, a user, a page, custom ones, and those of business use cases. */
const THROTTLES = new Set([4, 17, 32, 613, 80001, 80002]);

/** Why a token is dead, in the words that are stored with the connection. */
const REASON_OF_TOKEN: Record<number, string> = {
  458: "app_removed",
  459: "checkpoint",
  460: "password_changed",
  463: "token_expired",
  467: "token_invalid",
};

/** A code that ran out, and one that was used. */
const DEAD_CODES = new Set([36007, 36009]);
const DEAD_CODE_TEXT = /authorization code|matching code|verification code format/i;

/** Reads an error of Meta's in either shape: the code decides, hardly ever the status. */
export function readMetaFault(response: FailedResponse): FaultReading {
  const host = TokenHostBody.safeParse(response.body);
  if (host.success) return readTokenHost(response.status, host.data);
  const parsed = GraphBody.safeParse(response.body);
  if (!parsed.success) return {};
  const { message = "", code, error_subcode: subcode, is_transient, fbtrace_id } =
    parsed.data.error;
  const throttled = THROTTLES.has(code);
  return {
    code: String(code),
    subcode: subcode === undefined ? undefined : String(subcode),
    reason: reasonOf(code, subcode),
    message,
    requestId: fbtrace_id,
    retryAfterMs: throttled ? readWait(response.headers) : undefined,
    class: throttled
      ? "retry_after"
      : isDeadCode(subcode, message)
      ? "reauth"
      : is_transient
      ? "retry_transient"
      : classOf(code, subcode, response.status),
  };
}

function classOf(code: number, subcode: number | undefined, status: number): ProviderErrorClass {
  if (code >= 200 && code <= 299) return "permission";
  // 33: gone, or not for us.
  if (code === 100) return subcode === 33 ? "not_found" : "invalid_input";
  return CLASS_OF_CODE[code] ?? classOfStatus(status);
}

function reasonOf(code: number, subcode = 0): string {
  if (code === 190) return REASON_OF_TOKEN[subcode] ?? "token_invalid";
  if (DEAD_CODES.has(subcode)) return "invalid_code";
  return THROTTLES.has(code) ? "rate_limited" : `graph_error_${code}`;
}

const isDeadCode = (subcode: number | undefined, message: string) =>
  subcode === undefined ? DEAD_CODE_TEXT.test(message) : DEAD_CODES.has(subcode);

function readTokenHost(
  status: number,
  { error_type, code, error_message }: z.infer<typeof TokenHostBody>,
): FaultReading {
  const dead = DEAD_CODE_TEXT.test(error_message) && !/redirect_uri/i.test(error_message);
  return {
    code: String(code ?? status),
    reason: dead ? "invalid_code" : error_type,
    message: error_message || error_type,
    class: dead ? "reauth" : classOfStatus(status),
  };
}
