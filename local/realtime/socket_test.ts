import assert from "node:assert/strict";
import { limits } from "./limits.ts";
import { Hub } from "./hub.ts";
import { Presence } from "./presence.ts";
import { plans, Rates } from "./rates.ts";
import type { Services } from "./services.ts";
import { Socket } from "./socket.ts";

/** A WebSocket whose reader can stop reading. */
class FakeWebSocket extends EventTarget {
  readonly sent: string[] = [];
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  closedWith?: number;
  onmessage?: (event: { data: string }) => void;
  onclose?: () => void;

  send(text: string): void {
    this.sent.push(text);
  }

  close(code: number): void {
    this.closedWith = code;
    this.readyState = WebSocket.CLOSED;
    this.onclose?.();
  }
}

function connect(hub: Hub) {
  const webSocket = new FakeWebSocket();
  const services = {
    hub,
    presence: new Presence(hub),
    rates: new Rates(plans.free),
    log: () => {},
  } as unknown as Services;
  const claims = { role: "anon", exp: Date.now() / 1000 + 60 } as const;
  new Socket(services, webSocket as unknown as WebSocket, "1.0.0", claims, {});
  const receive = (frame: Record<string, unknown>) =>
    webSocket.onmessage?.({ data: JSON.stringify({ payload: {}, ref: "1", ...frame }) });
  return { webSocket, receive };
}

const joined = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("a heartbeat is answered", () => {
  const { webSocket, receive } = connect(new Hub());
  receive({ topic: "phoenix", event: "heartbeat" });
  const { event, payload, ref } = JSON.parse(webSocket.sent[0] ?? "");
  assert.deepEqual([event, payload, ref], ["phx_reply", { status: "ok", response: {} }, "1"]);
  webSocket.close(1000);
});

Deno.test("a reader that does not keep up is dropped; the others are not", async () => {
  const hub = new Hub();
  const [slow, quick] = [connect(hub), connect(hub)];
  for (const { receive } of [slow, quick]) receive({ topic: "realtime:t", event: "phx_join" });
  await joined();
  const send = () => hub.broadcast({ name: "t", private: false }, { json: { event: "e" } });
  const before = quick.webSocket.sent.length;

  send();
  slow.webSocket.bufferedAmount = limits.unsentBytes + 1;
  send();
  send();

  assert.equal(slow.webSocket.closedWith, 1008);
  assert.equal(slow.webSocket.sent.length, before + 1);
  assert.equal(quick.webSocket.sent.length, before + 3);
  quick.webSocket.close(1000);
});

Deno.test("what is no frame ends the connection", () => {
  const { webSocket } = connect(new Hub());
  webSocket.onmessage?.({ data: "not json" });
  assert.equal(webSocket.closedWith, 1008);
});
