import { hash32, scramble, unscramble } from "../seeded.ts";

/** The id of the video with this index: eleven characters, as YouTube's. */
export function videoId(channelId: string, index: number): string {
  return scramble(hash32(channelId), index);
}

/** Channel number ({@link hash32} of the channel id) and index behind an id, or null. */
export function readVideoId(id: string): { channelNumber: number; index: number } | null {
  const pair = unscramble(id);
  return pair && { channelNumber: pair[0], index: pair[1] };
}

/**
 * The cursor of a playlist position. Opaque, and good for one playlist only: used on another it
 * reads as null, as does any text that was not handed out.
 */
export function pageToken(playlistId: string, offset: number): string {
  return `EAAaB${scramble(hash32("page", playlistId), offset)}`;
}

/** The playlist position behind a cursor, or null when it is not one of this playlist's. */
export function readPageToken(playlistId: string, token: string): number | null {
  const pair = token.startsWith("EAAaB") ? unscramble(token.slice(5)) : null;
  return pair?.[0] === hash32("page", playlistId) ? pair[1] : null;
}
