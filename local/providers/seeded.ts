/**
 * Seeded choices: the same seed gives the same answer on every machine and in every run, so a
 * channel of any size needs no storage and a test can name what it expects.
 * @module
 */

/** A well mixed unsigned 32-bit hash of the parts (FNV-1a with a murmur3 finish). */
export function hash32(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const character of parts.join("\u0001")) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** One element of a non-empty list, chosen by the seed. */
export function pick<T>(list: readonly T[], ...seed: readonly (string | number)[]): T {
  const chosen = list[hash32(...seed) % list.length];
  if (chosen === undefined) throw new RangeError("pick() needs a list with something in it");
  return chosen;
}

/** An integer from `low` to `high` inclusive, chosen by the seed. */
export function between(low: number, high: number, ...seed: readonly (string | number)[]): number {
  return low + (hash32(...seed) % (high - low + 1));
}

/** A number in [0, 1), chosen by the seed. */
export function fraction(...seed: readonly (string | number)[]): number {
  return hash32(...seed) / 0x1_0000_0000;
}

/** Text of `length` base64url characters that looks random and is not. */
export function scribble(length: number, ...seed: readonly (string | number)[]): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let text = "";
  while (text.length < length) text += alphabet[hash32(text.length, ...seed) % 64];
  return text;
}

/**
 * Packs two 32-bit numbers into 11 base64url characters (the shape of a YouTube id) so that
 * neighbours look unrelated; {@link unscramble} gets them back. Four Feistel rounds: reversible
 * whatever the round function is.
 */
export function scramble(left: number, right: number): string {
  for (let round = 0; round < 4; round++) {
    [left, right] = [right, (left ^ hash32(round, right)) >>> 0];
  }
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setUint32(0, left);
  bytes.setUint32(4, right);
  return new Uint8Array(bytes.buffer).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The pair behind a scrambled text, or null when nobody can have scrambled it. */
export function unscramble(text: string): [left: number, right: number] | null {
  if (!/^[\w-]{11}$/.test(text)) return null;
  const bytes = new DataView(
    Uint8Array.fromBase64(text, { alphabet: "base64url", lastChunkHandling: "loose" }).buffer,
  );
  let [left, right] = [bytes.getUint32(0), bytes.getUint32(4)];
  for (let round = 3; round >= 0; round--) {
    [left, right] = [(right ^ hash32(round, left)) >>> 0, left];
  }
  return scramble(left, right) === text ? [left, right] : null;
}
