/** Distinct hashtags in lower case, in order, without the sign. */
export function findHashtags(text: string): string[] {
  const found = text.matchAll(/(?<![\p{L}\p{N}_&/#])#([\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*)/gu);
  return [...new Set([...found].map((match) => match[1]!.toLowerCase()))];
}
