/**
 * Errors of Meta's graph hosts. The number in `code` says what happened, hardly ever the status.
 * @module
 */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { scribble } from "../seeded.ts";

/** What some errors carry besides code and message. */
export interface GraphErrorExtras {
  readonly status?: ContentfulStatusCode;
  readonly subcode?: number;
  readonly type?: string;
  readonly is_transient?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error of `graph.instagram.com` or `graph.facebook.com`, in the shape it is sent in. */
export class GraphError extends Error {
  constructor(readonly code: number, message: string, readonly extras: GraphErrorExtras = {}) {
    super(message);
  }

  /** The answer that says so. */
  response(): Response {
    const { status = 400, subcode, type = "OAuthException", is_transient, headers } = this.extras;
    return Response.json({
      error: {
        message: this.message,
        type,
        ...(is_transient !== undefined && { is_transient }),
        code: this.code,
        ...(subcode !== undefined && { error_subcode: subcode }),
        fbtrace_id: `A${scribble(22, crypto.randomUUID())}`,
      },
    }, {
      status,
      headers: {
        "facebook-api-version": "v26.0",
        ...(this.code === 190 && {
          "www-authenticate": `OAuth "Facebook Platform" "invalid_token" "${this.message}"`,
        }),
        ...headers,
      },
    });
  }
}

/** 190: the token ran out. */
export function tokenExpired(): GraphError {
  return new GraphError(190, "Error validating access token: Session has expired.", {
    subcode: 463,
  });
}

/** 190: the person removed the app. */
export function tokenRevoked(): GraphError {
  return new GraphError(
    190,
    "Error validating access token: The user has not authorized application.",
    { subcode: 458 },
  );
}

/** 190: nobody gave this token out. */
export function tokenUnreadable(): GraphError {
  return new GraphError(190, "Invalid OAuth access token - Cannot parse access token");
}

/** 2500: a call without a token. */
export function tokenMissing(): GraphError {
  return new GraphError(
    2500,
    "An active access token must be used to query information about the current user.",
  );
}

/** 10: the token is good, but not for this. */
export function permissionMissing(permission: string): GraphError {
  return new GraphError(10, `(#10) This endpoint requires the '${permission}' permission`, {
    status: 403,
  });
}

/** 100: a parameter is wrong. */
export function invalidParameter(message: string, subcode?: number): GraphError {
  return new GraphError(100, `(#100) ${message}`, { subcode });
}

/** 100/33: the object is not there, or not for this token. */
export function noSuchObject(id: string): GraphError {
  return new GraphError(
    100,
    `Unsupported get request. Object with ID '${id}' does not exist, cannot be loaded due to ` +
      "missing permissions, or does not support this operation.",
    { subcode: 33, type: "GraphMethodException" },
  );
}
