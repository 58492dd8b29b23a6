/** Why a function's process ended. */
export type ExitReason = "retired" | "crash" | "memory" | "cpu" | "wall_clock" | "terminated";

/** A function's process did not come up. */
export class BootError extends Error {
  override readonly name = "BootError";
}

/** The answer to a request whose function could not be started. */
export function bootErrorResponse(): Response {
  return platformError(503, "BOOT_ERROR", "Worker failed to boot (please check logs)");
}

/** The answer to a request whose process ended under it. */
export function exitResponse(reason: ExitReason): Response {
  return reason === "memory" || reason === "cpu" || reason === "wall_clock"
    ? platformError(
      546,
      "WORKER_LIMIT",
      "Worker failed to respond due to a resource limit (please check logs)",
    )
    : platformError(500, "WORKER_ERROR", "Function exited due to an error (please check logs)");
}

/** The answer to a request that got no response in time. */
export function idleTimeoutResponse(idleMs: number): Response {
  return platformError(
    504,
    "IDLE_TIMEOUT",
    `Request idle timeout limit (${idleMs / 1000}s) reached`,
  );
}

/** The answer to a request that is larger than the platform takes. */
export function bodyTooLargeResponse(limit: number): Response {
  return platformError(413, "PAYLOAD_TOO_LARGE", `Request body is larger than ${limit} bytes`);
}

/** An answer that comes from the platform and not from the function: any origin may read it. */
export function platformError(
  status: number,
  code: string,
  message: string,
  more: { body?: Record<string, string>; headers?: Record<string, string> } = {},
): Response {
  return Response.json({ code, message, ...more.body }, {
    status,
    headers: { "access-control-allow-origin": "*", ...more.headers },
  });
}
