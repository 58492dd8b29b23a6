import type { Topic } from "../hub.ts";
import type { Replay, ReplayedMessage } from "../replay.ts";
import { ChannelError, unreadable } from "./error.ts";
import type { JoinConfig } from "./join_config.ts";

/** The messages that a join wants to have again; throws when it may not. */
export async function missedMessages(
  replay: Replay,
  topic: Topic,
  wanted: JoinConfig["replay"],
  readable: boolean,
): Promise<ReplayedMessage[]> {
  if (!wanted) return [];
  const { since, limit } = wanted;
  const refusal = (reason: string) => new ChannelError("UnableToReplayMessages", reason);
  if (!topic.private) throw refusal("Replay is not allowed for public channels");
  if (!readable) throw unreadable(topic.name);
  if (!Number.isInteger(since) || !Number.isInteger(limit)) {
    throw refusal("Replay params are not valid");
  }
  return await replay.messages(topic.name, Number(since), Number(limit));
}
