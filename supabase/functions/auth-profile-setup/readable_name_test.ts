import assert from "node:assert/strict";
import { readableName } from "./readable_name.ts";

Deno.test("letters that need a dictionary, or that nobody has rules for, become Latin ones", () => {
  const readable: Record<string, string> = {
    "北京的小明": "Bei  Jing  De  Xiao  Ming",
    "李小龍 Bruce": "Li  Xiao  Long  Bruce",
    "田中さくら": "Tian  Zhong さくら",
    "ខ្មែរ": "khmaer",
    "မြန်မာ": "mrnma",
    "བོད": "bod",
    "𐍅𐌿𐌻𐍆𐌹𐌻𐌰": "wulfila",
  };
  for (const [name, reading] of Object.entries(readable)) {
    assert.equal(readableName(name), reading);
  }
});

Deno.test("letters that the database reads by itself stay as they are", () => {
  for (
    const name of [
      ...["Zoë Ångström-Łukasz", "Дарья Щукина", "Γιώργος", "Նարեկ", "გიორგი", "שרה", "محمد علي"],
      ...["प्रिया", "বাংলা", "தமிழ்", "สมชาย", "さくら", "タナカ・ユウキー", "김민준", "ቴዎድሮስ"],
      ...["🔥 Emma 👩🏽‍💻🇩🇪", "ｆｕｌｌ", "", "…"],
    ]
  ) {
    assert.equal(readableName(name), name.normalize("NFC"));
  }
});

Deno.test("every Han character of everyday use has a reading", () => {
  const unread: string[] = [];
  for (let codePoint = 0x4e00; codePoint < 0x9fa6; codePoint++) {
    const letter = String.fromCodePoint(codePoint);
    if (/\p{Script=Han}/u.test(letter) && !/^[ -~]+$/.test(readableName(letter))) {
      unread.push(letter);
    }
  }
  assert.deepEqual(unread, []);
});
