import assert from "node:assert/strict";
import { planNamed, plans, Rate, Rates } from "./rates.ts";

function clocked(perSecond: number) {
  let now = 0;
  const rate = new Rate(perSecond, { tickMs: 5000, ticks: 12, now: () => now });
  return { rate, wait: (ms: number) => now += ms };
}

Deno.test("a burst passes, as the mean of a minute is what counts", () => {
  const { rate, wait } = clocked(100);
  rate.add(5_999);
  wait(5_000);
  assert.equal(rate.exceededBy(), false);
  rate.add(1);
  assert.equal(rate.exceededBy(), false, "looked at when a tick ends");
  wait(5_000);
  assert.equal(rate.exceededBy(), true);
});

Deno.test("what was too much is forgotten after a minute", () => {
  const { rate, wait } = clocked(100);
  rate.add(50_000);
  wait(5_000);
  assert.equal(rate.exceededBy(), true);
  wait(50_000);
  assert.equal(rate.exceededBy(), true);
  wait(10_000);
  assert.equal(rate.exceededBy(), false);
  wait(3_600_000);
  rate.add();
  assert.equal(rate.exceededBy(), false);
});

Deno.test("a batch must fit as well", () => {
  const { rate } = clocked(100);
  assert.equal(rate.exceededBy(100), false);
  assert.equal(rate.exceededBy(101), true);
});

Deno.test("sockets are counted once they have a channel", () => {
  const rates = new Rates({ ...plans.free, connections: 1 });
  const [one, other] = [{}, {}];
  assert.equal(rates.hasRoomFor(one), true);
  rates.connected(one);
  assert.deepEqual([rates.hasRoomFor(one), rates.hasRoomFor(other)], [true, false]);
  assert.equal(rates.hasRoomFor(), false);
  rates.disconnected(one);
  assert.equal(rates.hasRoomFor(other), true);
});

Deno.test("a plan is known by its name", () => {
  assert.equal(planNamed(undefined), plans.team);
  assert.equal(planNamed("free").connections, 200);
  assert.throws(() => planNamed("huge"), /There is no plan "huge"; plans: free, pro, team/);
});
