import type { LogLevel } from "../log_level.ts";

/** What the gateway tells a function's process. */
export type HostCommand =
  /** Are you there? A process stuck in a loop does not answer. */
  | { readonly type: "ping" }
  /** Dispatch `beforeunload`: the function's chance to save its work. */
  | { readonly type: "unload"; readonly reason: string }
  /** No more requests will come; leave when the background work is done. */
  | { readonly type: "retire" };

/** What a function's process tells the gateway. */
export type HostMessage =
  | { readonly type: "ready"; readonly port: number }
  | { readonly type: "pong" }
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string };

/** Reads a line of a function's process; null when it is one that the function wrote itself. */
export function readHostMessage(line: string): HostMessage | null {
  if (!line.startsWith('{"type":')) return null;
  try {
    return JSON.parse(line) as HostMessage;
  } catch {
    return null;
  }
}
