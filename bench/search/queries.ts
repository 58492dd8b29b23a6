import { seededRandom } from "./words.ts";

/** An item that a query is made of: somebody looks for what they know is there. */
export interface Known {
  readonly user_id: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly hashtags: readonly string[];
}

/** Arguments of search_own_content(). */
export interface Search {
  readonly p_query?: string;
  readonly p_tags?: readonly string[];
  readonly p_hashtags?: readonly string[];
  readonly p_platform?: string;
  readonly p_content_type?: string;
}

const random = seededRandom(11);
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

/** What people ask, by kind; null where the item does not serve for it. */
export const kinds: Record<string, (item: Known) => Search | null> = {
  "one word": ({ title }) => ({ p_query: pick(title.split(" ")) }),
  "two words of a title": ({ title }) => ({ p_query: twoOf(title).join(" ") }),
  "a phrase": ({ title }) => ({ p_query: `"${title.split(" ").slice(0, 2).join(" ")}"` }),
  "the most frequent word": () => ({ p_query: "video" }),
  "one of two words": ({ title }) => ({ p_query: twoOf(title).join(" or ") }),
  "a misspelt word": ({ title }) => ({ p_query: misspell(longest(title)) }),
  "two misspelt words": ({ title }) => ({ p_query: twoOf(title).map(misspell).join(" ") }),
  "nothing that is there": () => ({ p_query: "qxwzvy jkqzx" }),
  "a tag": ({ tags }) => tags.length ? { p_tags: [pick(tags)] } : null,
  "a hashtag": ({ hashtags }) => hashtags.length ? { p_hashtags: [pick(hashtags)] } : null,
  "a word of a kind": ({ title }) => ({ p_query: longest(title), p_content_type: "reel" }),
  "everything, newest first": () => ({}),
  "a platform": () => ({ p_platform: "youtube" }),
};

function twoOf(title: string): string[] {
  const words = title.split(" ").filter((word) => word.length > 3);
  return words.length > 1 ? words.slice(0, 2) : title.split(" ").slice(0, 2);
}

function longest(title: string): string {
  return title.split(" ").reduce((best, word) => word.length > best.length ? word : best);
}

/** Two letters change places, as fingers do. */
function misspell(word: string): string {
  const at = 1 + Math.floor(random() * Math.max(1, word.length - 3));
  return word.slice(0, at) + (word[at + 1] ?? "x") + (word[at] ?? "") + word.slice(at + 2);
}
