import { TokenError } from "../tokens.ts";

/** Why a channel is refused or closed: a code of the platform and a sentence. */
export class ChannelError extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
  }
}

const MISSING_PARTITION = "23514";
/** Classes of SQL states that speak of the server, not of the query. */
const SERVER_TROUBLE = /^(08|53|57)/;

/** The refusal to read a topic. */
export function unreadable(topic: string): ChannelError {
  return new ChannelError(
    "Unauthorized",
    `You do not have permissions to read from this Channel topic: ${topic}`,
  );
}

/** What a client is told about any failure on a channel of this topic. */
export function asChannelError(error: unknown, topic: string): ChannelError {
  if (error instanceof ChannelError) return error;
  if (error instanceof TokenError) return new ChannelError(error.code, error.message);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === MISSING_PARTITION) {
    return new ChannelError(
      "MissingPartition",
      "Realtime was unable to find the expected messages partition",
    );
  }
  if (/^[0-9A-Z]{5}$/.test(code) && !SERVER_TROUBLE.test(code)) {
    // A policy that fails permits nothing.
    return unreadable(topic);
  }
  return new ChannelError(
    "UnableToConnectToProject",
    "Realtime was unable to connect to the project database",
  );
}
