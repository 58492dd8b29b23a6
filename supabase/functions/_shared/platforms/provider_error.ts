import type { ErrorCode } from "../errors.ts";

/** What a failure at a provider means for whoever called; decided per provider, never by status alone. */
export type ProviderErrorClass =
  | "retry_transient"
  | "retry_after"
  | "quota_daily"
  | "reauth"
  | "permission"
  | "invalid_input"
  | "not_found"
  | "policy"
  | "billing";

/** The facts of a failure, the same for every provider. */
export interface ProviderFault {
  provider: string;
  /** 0 when no response arrived. */
  httpStatus: number;
  code: string;
  subcode?: string;
  reason: string;
  /** Already redacted. */
  message: string;
  requestId?: string;
  retryAfterMs?: number;
  class: ProviderErrorClass;
}

/** A call to a provider failed. */
export class ProviderError extends Error implements ProviderFault {
  override readonly name = "ProviderError";
  readonly provider: string;
  readonly httpStatus: number;
  readonly code: string;
  readonly subcode?: string;
  readonly reason: string;
  readonly requestId?: string;
  readonly retryAfterMs?: number;
  readonly class: ProviderErrorClass;

  constructor(fault: ProviderFault, options?: ErrorOptions) {
    super(fault.message, options);
    this.provider = fault.provider;
    this.httpStatus = fault.httpStatus;
    this.code = fault.code;
    this.subcode = fault.subcode;
    this.reason = fault.reason;
    this.requestId = fault.requestId;
    this.retryAfterMs = fault.retryAfterMs;
    this.class = fault.class;
  }
}

/** Our code for each class, and whether trying again can help. */
export const providerOutcomes: Record<
  ProviderErrorClass,
  { code: ErrorCode; retryable: boolean }
> = {
  retry_transient: { code: "PROVIDER_UNAVAILABLE", retryable: true },
  retry_after: { code: "PROVIDER_RATE_LIMITED", retryable: true },
  quota_daily: { code: "PROVIDER_QUOTA_EXCEEDED", retryable: false },
  reauth: { code: "CONNECTION_REVOKED", retryable: false },
  permission: { code: "PROVIDER_REJECTED", retryable: false },
  invalid_input: { code: "PROVIDER_REJECTED", retryable: false },
  not_found: { code: "PROVIDER_REJECTED", retryable: false },
  policy: { code: "PROVIDER_REJECTED", retryable: false },
  billing: { code: "PROVIDER_REJECTED", retryable: false },
};
