import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import {
  freeApiPort,
  freePort,
  isFree,
  listeningInodes,
  portsFrom,
  takenPortSentence,
} from "./ports.ts";

Deno.test("portsFrom() lays the ports out as `supabase start` does", () => {
  deepEqual(portsFrom(54321), { api: 54321, db: 54322, mail: 54324, providers: 54330 });
  throws(() => portsFrom(80), /cannot be used/);
  throws(() => portsFrom(NaN), /cannot be used/);
});

Deno.test("ports for later are none that a connection may be given meanwhile", () => {
  for (let n = 0; n < 100; n++) {
    const ports = [freePort(), ...Object.values(portsFrom(freeApiPort()))];
    ok(ports.every((port) => port < 32_768), ports.join());
  }
});

Deno.test("two stacks that start at the same time are given different ports", () => {
  const ports = Array.from({ length: 100 }, () => freeApiPort());
  equal(new Set(ports).size, ports.length);
});

Deno.test("takenPortSentence() names the port and what it is for", async () => {
  const port = freePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  equal(isFree(port), false);
  const sentence = await takenPortSentence({ ...portsFrom(54321), api: port, db: port });
  match(sentence ?? "", new RegExp(`^Port ${port} \\(api\\) is already in use.*--port=\\d+\\.$`));
  listener.close();
  equal(isFree(port), true);
});

Deno.test("listeningInodes() finds listeners, not connections", () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:D431 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:D431 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1`;
  deepEqual([...listeningInodes(table, 54321)], ["111"]);
});
