import assert from "node:assert/strict";
import { publishableKey, startGateway } from "./testing.ts";

Deno.test("front door", async (t) => {
  await using gateway = await startGateway();
  const socketUrl = gateway.url.replace("http", "ws");

  await t.step("rest and auth reach the data API; a key in Authorization is dropped", async () => {
    for (const path of ["/rest/v1/content_item", "/auth/v1/user"]) {
      const response = await fetch(gateway.url + path, {
        headers: { apikey: publishableKey, authorization: `Bearer ${publishableKey}` },
      });
      assert.equal(response.status, 203);
      const headers = await response.json();
      assert.equal(headers.apikey, publishableKey);
      assert.equal(headers.authorization, undefined);
    }
  });

  await t.step("a user's token stays", async () => {
    const response = await fetch(`${gateway.url}/rest/v1/`, {
      headers: { authorization: "Bearer x.y.z" },
    });
    assert.equal((await response.json()).authorization, "Bearer x.y.z");
  });

  await t.step("an unknown path is 404", async () => {
    const response = await fetch(`${gateway.url}/nothing/here`);
    assert.equal(response.status, 404);
    assert.deepEqual(await response.json(), { message: "no Route matched with those values" });
  });

  await t.step(
    "a WebSocket passes text and bytes both ways, its protocol and how it closes",
    async () => {
      const socket = new WebSocket(`${socketUrl}/realtime/v1/websocket?vsn=1.0.0`, ["phoenix"]);
      socket.binaryType = "arraybuffer";
      const received: unknown[] = [];
      const next = () => new Promise((resolve) => socket.onmessage = ({ data }) => resolve(data));
      received.push(await next());
      socket.send("text");
      received.push(await next());
      socket.send(new Uint8Array([1, 2, 3]));
      received.push(new Uint8Array(await next() as ArrayBuffer));
      assert.deepEqual(received, ["welcome", "text", new Uint8Array([1, 2, 3])]);
      assert.equal(socket.protocol, "phoenix");
      socket.send("leave");
      const closed = await new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
      assert.equal(closed.code, 4321);
      assert.equal(closed.reason, "as you wish");
    },
  );

  await t.step("a WebSocket that the service refuses is refused", async () => {
    const socket = new WebSocket(`${socketUrl}/realtime/v1/refused`);
    const outcome = await new Promise((resolve) => {
      socket.onopen = () => resolve("open");
      socket.onerror = () => resolve("error");
    });
    assert.equal(outcome, "error");
  });
});
