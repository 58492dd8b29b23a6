/** One row of net.http_request_queue. */
export interface QueuedRequest {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly body: string | null;
  readonly timeout_milliseconds: number;
}

/** One row of net._http_response. */
export interface StoredResponse {
  readonly id: string;
  readonly status_code: number | null;
  readonly content_type: string | null;
  readonly headers: Readonly<Record<string, string>> | null;
  readonly content: string | null;
  readonly timed_out: boolean;
  readonly error_msg: string | null;
}

/** The version whose manners these are; it is the stand-in extension's version too. */
const pgNetVersion = "0.20.5";

/** Sends one queued request. Never throws: whatever happens is a response row, and final. */
export async function send(request: QueuedRequest): Promise<StoredResponse> {
  const started = performance.now();
  const failed = (error_msg: string, timed_out: boolean): StoredResponse => ({
    id: request.id,
    status_code: null,
    content_type: null,
    headers: null,
    content: null,
    timed_out,
    error_msg,
  });
  try {
    const response = await fetch(request.url, {
      method: request.method.toUpperCase(),
      headers: {
        ...request.headers,
        "user-agent": `pg_net/${pgNetVersion}`,
        // libcurl does not ask for compression by itself; fetch would.
        "accept-encoding": "identity",
      },
      body: request.method.toUpperCase() === "GET" ? null : request.body,
      signal: AbortSignal.timeout(request.timeout_milliseconds),
    });
    const content = await response.text();
    return {
      id: request.id,
      status_code: response.status,
      content_type: response.headers.get("content-type"),
      headers: Object.fromEntries(response.headers),
      // A text column cannot hold a NUL, and the real worker stops reading at one.
      content: content.split("\0", 1)[0] || null,
      timed_out: false,
      error_msg: null,
    };
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") {
      return failed(timeoutMessage(request, performance.now() - started), true);
    }
    return failed(curlMessage(error), false);
  }
}

/** The real text; fetch does not tell the phases apart, so all time is counted as HTTP time. */
function timeoutMessage(request: QueuedRequest, spent: number): string {
  const total = spent.toFixed(6);
  return `Timeout of ${request.timeout_milliseconds} ms reached. Total time: ${total} ms ` +
    `(DNS time: 0.000000 ms, TCP/SSL handshake time: 0.000000 ms, HTTP Request/Response time: ${total} ms)`;
}

/** What libcurl would say. */
function curlMessage(error: unknown): string {
  const text = String(error instanceof Error && error.cause ? error.cause : error) + String(error);
  if (/dns error|failed to lookup/i.test(text)) return "Could not resolve hostname";
  // "blocked" is fetch's own list of ports it will not speak to; libcurl has none.
  if (/refused|unreachable|tcp connect|blocked/i.test(text)) return "Could not connect to server";
  if (/certificate/i.test(text)) return "SSL peer certificate or SSH remote key was not OK";
  if (/redirect/i.test(text)) return "Number of redirects hit maximum amount";
  if (/scheme/i.test(text)) return "Unsupported protocol";
  if (/connection closed before message completed|eof/i.test(text)) {
    return "Server returned nothing (no headers, no data)";
  }
  return "Failure when receiving data from the peer";
}
