import assert from "node:assert/strict";
import { findHashtags, findMentions, titleOf } from "./caption.ts";

const hashtags: [string, string[]][] = [
  ["A walk #Travel and #travel again", ["travel"]],
  ["#Città #mañana #ñam", ["città", "mañana", "ñam"]],
  ["今日 #ラーメン #自家製麺、#料理。", ["ラーメン", "自家製麺", "料理"]],
  ["#خانه‌داری #طبخ #أكل_بيتي", ["خانه‌داری", "طبخ", "أكل_بيتي"]],
  ["#खाना #घर_का_खाना", ["खाना", "घर_का_खाना"]],
  ["#рецепты #Борщ", ["рецепты", "борщ"]],
  ["#한글 ＃東京", ["한글", "東京"]],
  ["#one#two #2026goals", ["one", "two", "2026goals"]],
  ["#cafe\u0301 and #café", ["café"]],
  ["(#bracket) “#quoted” #dash-ed #dot.", ["bracket", "quoted", "dash", "dot"]],
  ["#1 &#39; C# a#b https://x.example/#anchor https://x.example/page#part ##", []],
  ["", []],
];
for (const [text, tags] of hashtags) {
  Deno.test(`findHashtags() finds ${tags.length} in "${text}"`, () => {
    assert.deepEqual(findHashtags(text), tags);
  });
}

const mentions: [string, string[]][] = [
  ["with @Aiko.Cooks and @aiko.cooks", ["aiko.cooks"]],
  ["レシピは@aiko.cooksから", ["aiko.cooks"]],
  ["thanks @maker_1. (@other)", ["maker_1", "other"]],
  ["mail me@example.com, josé@example.com or x.y@example.com", []],
  ["https://x.example/@someone", []],
  ["@ and @@", []],
];
for (const [text, names] of mentions) {
  Deno.test(`findMentions() finds ${names.length} in "${text}"`, () => {
    assert.deepEqual(findMentions(text), names);
  });
}

Deno.test("findHashtags() and findMentions() stay quick on a text that is made to be slow", () => {
  const began = performance.now();
  for (const text of ["#".repeat(50_000), `#${"1".repeat(50_000)}`, `@${"a.".repeat(25_000)}`]) {
    findHashtags(text);
    findMentions(text);
  }
  assert.ok(performance.now() - began < 1_000);
});

Deno.test("titleOf() takes the first line with words, and cuts between characters", () => {
  assert.equal(titleOf("\n 🍞🍞 \nFresh bread\nand more"), "Fresh bread");
  assert.equal(titleOf("🍞"), "");
  const family = "👩‍👩‍👧";
  const title = titleOf(`a${family.repeat(200)}`);
  assert.equal(title, `a${family.repeat(98)}…`);
});
