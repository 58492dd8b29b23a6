import type { ContentfulStatusCode } from "hono/utils/http-status";

/** An error of the YouTube Data API, in the shape it is sent in. */
export class YouTubeError extends Error {
  constructor(
    readonly status: ContentfulStatusCode,
    readonly reason: string,
    message: string,
    readonly more: {
      domain?: string;
      location?: string;
      locationType?: "parameter" | "header";
      status?: string;
      headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
  }

  /** The answer that says so. */
  response(): Response {
    const { domain = "global", location, locationType, status, headers } = this.more;
    const first = {
      message: this.message,
      domain,
      reason: this.reason,
      ...(location && { location, locationType }),
    };
    return Response.json(
      {
        error: {
          code: this.status,
          message: this.message,
          errors: [first],
          ...(status && { status }),
        },
      },
      { status: this.status, headers: { vary: "Origin, X-Origin, Referer", ...headers } },
    );
  }
}

/** 400 for one parameter. */
export function badParameter(reason: string, name: string, message: string): YouTubeError {
  const domain = reason === "missingRequiredParameter" || reason === "invalidParameter"
    ? "global"
    : "youtube.parameter";
  return new YouTubeError(400, reason, message, {
    domain,
    location: name,
    locationType: "parameter",
  });
}

/** 401: `required` without a token, `authError` with one that is no good. */
export function notAuthorized(reason: "required" | "authError"): YouTubeError {
  const message = reason === "required" ? "Login Required." : "Invalid Credentials";
  return new YouTubeError(401, reason, message, {
    location: "Authorization",
    locationType: "header",
    status: "UNAUTHENTICATED",
    headers: {
      "www-authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"',
    },
  });
}

/** 403: the token is good, but not for this. */
export function missingScope(): YouTubeError {
  return new YouTubeError(
    403,
    "insufficientPermissions",
    "Request had insufficient authentication scopes.",
    { status: "PERMISSION_DENIED" },
  );
}

/** 403: the project's day is over. */
export function quotaExceeded(): YouTubeError {
  return new YouTubeError(
    403,
    "quotaExceeded",
    'The request cannot be completed because you have exceeded your <a href="/youtube/v3/getting-started#quota">quota</a>.',
    { domain: "youtube.quota" },
  );
}

/** 404 for a playlist. */
export function playlistNotFound(): YouTubeError {
  return new YouTubeError(
    404,
    "playlistNotFound",
    "The playlist identified with the request's <code>playlistId</code> parameter cannot be found.",
    { domain: "youtube.playlistItem", location: "playlistId", locationType: "parameter" },
  );
}
