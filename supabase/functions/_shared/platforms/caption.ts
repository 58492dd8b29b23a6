/** What creators write into a text: hashtags and mentions, in any script. */

// Marks belong to the letters before them: without, a Hindi tag would end at its first vowel sign. The
// joiner without width holds Persian words together.
const TAG = String.raw`[\p{L}\p{M}\p{N}_\u200c]*[\p{L}][\p{L}\p{M}\p{N}_\u200c]*`;
/** Tags may follow one another without a space; behind a letter, a slash or an ampersand there is none. */
const TAGS = new RegExp(String.raw`(?<![\p{L}\p{M}\p{N}_&/#＃])(?:[#＃]${TAG})+`, "gu");
/** Names have Latin letters in all scripts' texts; behind one there is an e-mail address. */
const MENTION = /(?<![\p{Script=Latin}\p{N}_.+@/-])[@＠]([a-z0-9_](?:[a-z0-9._]*[a-z0-9_])?)/giu;

/** Distinct hashtags in lower case, in order, without the sign. */
export function findHashtags(text: string): string[] {
  const tags = text.matchAll(TAGS).flatMap(([run]) => run.split(/[#＃]/).slice(1));
  return [...new Set([...tags].map((tag) => tag.normalize("NFC").toLowerCase()))];
}

/** Distinct names that are mentioned, in lower case, in order, without the sign. */
export function findMentions(text: string): string[] {
  return [...new Set([...text.matchAll(MENTION)].map((match) => match[1]!.toLowerCase()))];
}

const TITLE_LENGTH = 100;

/** A title for a text that has none: its first line with words in it, cut between characters. */
export function titleOf(text: string): string {
  const line = text.split(/\r?\n/).map((line) => line.trim()).find((line) => /\p{L}/u.test(line));
  const characters = [...new Intl.Segmenter().segment(line ?? "")].map(({ segment }) => segment);
  if (characters.length <= TITLE_LENGTH) return characters.join("");
  return `${characters.slice(0, TITLE_LENGTH - 1).join("").trimEnd()}…`;
}
