import assert from "node:assert/strict";
import { decodeBinary, decodeText, encodeBroadcast, encodeRaw } from "./frames.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("both serialisations read to the same frame", () => {
  const frame = { topic: "t", event: "e", payload: { a: 1 }, ref: "2", joinRef: "1" };
  assert.deepEqual(decodeText("2.0.0", '["1","2","t","e",{"a":1}]'), frame);
  assert.deepEqual(
    decodeText("1.0.0", '{"topic":"t","event":"e","payload":{"a":1},"ref":"2","join_ref":"1"}'),
    frame,
  );
});

Deno.test("what is no frame is refused", () => {
  assert.throws(() => decodeText("2.0.0", "{}"));
  assert.throws(() => decodeText("1.0.0", '{"topic":1}'));
  assert.throws(() => decodeBinary(Uint8Array.of(9, 0, 0, 0, 0, 0, 0)));
  assert.throws(() => decodeBinary(Uint8Array.of(3)));
});

Deno.test("a client's binary broadcast keeps its payload", () => {
  const fields = ["1", "22", "realtime:ż", "ev", ""].map(bytes);
  const frame = decodeBinary(Uint8Array.from([
    3,
    ...fields.map((field) => field.length),
    0,
    ...fields.flatMap((field) => [...field]),
    7,
    8,
  ]));
  assert.deepEqual([frame.joinRef, frame.ref, frame.topic], ["1", "22", "realtime:ż"]);
  assert.deepEqual(frame.broadcast, {
    event: "ev",
    encoding: "binary",
    payload: Uint8Array.of(7, 8),
  });
});

Deno.test("a client cannot pass off other text as a JSON payload", () => {
  const header = Uint8Array.of(3, 0, 0, 1, 1, 0, 1, 116, 101);
  const frame = (payload: string) => Uint8Array.from([...header, ...bytes(payload)]);
  assert.equal(decodeBinary(frame('{"a":1}')).broadcast?.encoding, "json");
  assert.throws(() => decodeBinary(frame('1},"topic":"other"')));
});

Deno.test("names too long for a binary frame travel as text", () => {
  const broadcast = { event: "e".repeat(300), encoding: "json", payload: bytes("1") } as const;
  const wire = encodeBroadcast("2.0.0", "t", broadcast);
  assert.equal(typeof wire, "string");
  assert.equal(JSON.parse(String(wire))[4].payload, 1);
});

Deno.test("a frame's payload is passed on as the JSON text it is", () => {
  assert.equal(
    encodeRaw("2.0.0", "t", "e", '{"big":12345678901234567890}', { ref: "1" }),
    '[null,"1","t","e",{"big":12345678901234567890}]',
  );
});
