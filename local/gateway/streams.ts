/** Up to here a body is read and passed on whole: a stream costs more than its bytes. */
const smallBytes = 64 * 1024;

/** Whether a message says of its body that it is small. */
export function isSmall(headers: Headers): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= smallBytes;
}

/** Passes a body on until it is longer than `limit` bytes, then breaks it off. */
export function limitedBody(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): { stream: ReadableStream<Uint8Array> | null; isTooLarge: () => boolean } {
  let size = 0;
  const stream = body?.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.byteLength;
        if (size > limit) controller.error(new RangeError("body too large"));
        else controller.enqueue(chunk);
      },
    }),
  ) ?? null;
  return { stream, isTooLarge: () => size > limit };
}

/** The same response, with a call when its body ended, was cancelled, or broke. */
export function observedBody(response: Response, onEnd: () => void): Response {
  if (!response.body) {
    onEnd();
    return response;
  }
  const reader = response.body.getReader();
  let isOver = false;
  const end = () => {
    if (!isOver) onEnd();
    isOver = true;
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (value) controller.enqueue(value);
        if (!done) return;
        end();
        controller.close();
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
  return new Response(body, response);
}
