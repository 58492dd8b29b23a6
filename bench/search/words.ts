/** Random numbers that are the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// What creators write most, in about that order; the long tail is made of syllables.
const frequent =
  ("video new how my day best life make easy home food recipe travel music live game " +
    "play tips vlog tour review part episode first time love world people family workout morning routine " +
    "kitchen bread cake chicken pasta coffee street city summer winter night car bike trip beach camera " +
    "phone setup guide learn story challenge funny cat dog baby art drawing paint dance song cover guitar " +
    "piano beat build garden house room design style outfit makeup hair skin care fitness yoga run train " +
    "football league match goal score win season final team player train station budget money business " +
    "start channel subscribe follow behind scenes studio work hard dream history science space planet")
    .split(" ");
const starts = "b br c ch cl d dr f fl g gr h j k kl l m n p pl pr r s sh st t th tr v w z".split(
  " ",
);
const middles = "a e i o u ai ea ou oo ie".split(" ");
const ends = "n r s t l m ck nd st ng rt lp".split(" ");

/** A vocabulary, most frequent word first. */
export function vocabulary(size: number, random: () => number): string[] {
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)]!;
  const words = new Set(frequent);
  while (words.size < size) {
    const syllables = 1 + Math.floor(random() * 3);
    words.add(
      Array.from({ length: syllables }, () => pick(starts) + pick(middles)).join("") + pick(ends),
    );
  }
  return [...words];
}

/** A word as often as in a natural text: the n-th is met 1/n times as often as the first. */
export function zipf(words: readonly string[], random: () => number): string {
  return words[Math.floor(Math.exp(random() * Math.log(words.length + 1))) - 1] ?? words[0]!;
}
