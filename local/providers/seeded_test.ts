import { strict as assert } from "node:assert";
import fc from "fast-check";
import { scramble, unscramble } from "./seeded.ts";
import { pageToken, readPageToken, readVideoId, videoId } from "./youtube/video_id.ts";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

Deno.test("unscramble() undoes scramble()", () => {
  fc.assert(fc.property(uint32, uint32, (left, right) => {
    const text = scramble(left, right);
    assert.match(text, /^[\w-]{11}$/);
    assert.deepEqual(unscramble(text), [left, right]);
  }));
});

Deno.test("unscramble() refuses what nobody scrambled", () => {
  // The eleventh character carries two bits that mean nothing: they must be zero.
  for (const text of ["", "short", "elevenchar!", "twelve_chars", "AAAAAAAAAA_"]) {
    assert.equal(unscramble(text), null, text);
  }
});

Deno.test("A page token is good for its own playlist only", () => {
  const token = pageToken("UUone", 50);
  assert.equal(readPageToken("UUone", token), 50);
  assert.equal(readPageToken("UUtwo", token), null);
  assert.equal(readPageToken("UUone", `${token}x`), null);
  assert.equal(readPageToken("UUone", "CAoQAA"), null);
});

Deno.test("A video id leads back to its channel and index", () => {
  const first = readVideoId(videoId("UCone", 7));
  assert.equal(first?.index, 7);
  assert.notEqual(first?.channelNumber, readVideoId(videoId("UCtwo", 7))?.channelNumber);
});
