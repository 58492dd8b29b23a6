import assert from "node:assert/strict";
import { sleep } from "./clock.ts";
import { Heartbeat } from "./heartbeat.ts";
import { FakeClock } from "./testing.ts";

Deno.test("news that come in while a beat hangs are told by one beat, however many they are", async () => {
  const clock = new FakeClock();
  const told: boolean[] = [];
  let hasRoom = true;
  const heartbeat = new Heartbeat({
    store: {
      async heartbeat({ capacity }) {
        told.push(capacity > 0);
        if (told.length === 1) await sleep(clock, 4_000);
        return { held: [], cancelled: [], lost: [], drain: false };
      },
    },
    clock,
    workerId: "worker",
    region: null,
    capacity: () => Number(hasRoom),
    hasRoom: () => hasRoom,
    newsMs: 100,
    interval: () => 10_000,
    leases: () => [],
    onReply() {},
    onTrouble: assert.fail,
    onSilence() {},
  });
  heartbeat.start();
  await clock.advance(10);
  hasRoom = false;
  // As a worker that looks for work again and again.
  for (let look = 0; look < 30; look += 1) {
    heartbeat.noteRoom();
    await clock.advance(100);
  }
  await clock.advance(1_500);
  await heartbeat.stop();
  assert.deepEqual(told, [true, false]);
});
