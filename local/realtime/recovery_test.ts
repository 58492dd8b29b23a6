import assert from "node:assert/strict";
import { readStack } from "../stack/client.ts";
import { waitUntil } from "../stack/process.ts";
import { broadcasts, Inbox, type Received, subscribed } from "./contract/inbox.ts";
import { Project } from "./contract/project.ts";

const CLIENTS = 20;
/** A client tries again after 1, 2 and 5 seconds; a part is started again within one. */
const BACK_WITHIN_MS = 30_000;

async function killRealtime(): Promise<void> {
  const before = (await readStack()).parts.realtime?.pid ?? 0;
  Deno.kill(before, "SIGKILL");
  const isNew = async () => {
    const { pid } = (await readStack()).parts.realtime ?? {};
    return pid !== undefined && pid !== before;
  };
  assert.ok(await waitUntil(isNew, BACK_WITHIN_MS, 50), "the supervisor starts it again");
}

function numbers(inbox: Inbox<Received>): number[] {
  const byId = new Map(inbox.all.map(({ meta, payload }) => [meta?.id, payload as { n: number }]));
  return [...byId.values()].map(({ n }) => n);
}

Deno.test({
  name: "after kill -9 of Realtime clients come back by themselves and catch up",
  ignore: !Deno.env.has("STREAMVIBE_STACK"),
  fn: async () => {
    await using project = await Project.open();
    const prefix = await project.ownTopics();
    const since = Date.now() - 1000;
    const config = { private: true, broadcast: { replay: { since, limit: 25 } } };
    const joins = new Inbox<string>();
    const listeners = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const user = crypto.randomUUID();
        const client = await project.client({ token: await project.token(user) });
        const channel = client.channel(`${prefix}:${user}`, { config });
        const inbox = broadcasts(channel);
        await new Promise<void>((resolve) => {
          channel.subscribe((status) => {
            if (status !== "SUBSCRIBED") return;
            joins.put(user);
            resolve();
          });
        });
        return { user, inbox };
      }),
    );
    const tell = (n: number) =>
      project.sql`
        select realtime.send(jsonb_build_object('n', ${n}::int), 'n', ${prefix} || ':' || u.id, true)
        from unnest(${listeners.map(({ user }) => user)}::text[]) as u(id)`;
    await tell(1);
    await Promise.all(listeners.map(({ inbox }) => inbox.count(1)));

    await killRealtime();
    // Nobody is there to hear these.
    for (const n of [2, 3, 4]) await tell(n);
    assert.ok(
      await waitUntil(() => joins.all.length === 2 * CLIENTS, BACK_WITHIN_MS),
      `${joins.all.length - CLIENTS} of ${CLIENTS} came back`,
    );
    await tell(5);

    for (const { inbox } of listeners) {
      await inbox.until(() => numbers(inbox).includes(5));
      assert.deepEqual(numbers(inbox), [1, 2, 3, 4, 5]);
      assert.ok(inbox.all.some(({ meta }) => meta?.replayed), "what was missed came as a replay");
    }
  },
});

Deno.test({
  name: "a client without replay learns from SUBSCRIBED that it must look again",
  ignore: !Deno.env.has("STREAMVIBE_STACK"),
  fn: async () => {
    await using project = await Project.open();
    const user = crypto.randomUUID();
    const client = await project.client({ token: await project.token(user) });
    const channel = client.channel(`contract-${user}`);
    const statuses = new Inbox<string>();
    const inbox = broadcasts(channel);
    await new Promise<void>((resolve) => {
      channel.subscribe((status) => {
        statuses.put(status);
        if (status === "SUBSCRIBED") resolve();
      });
    });
    await killRealtime();
    const joins = () => statuses.all.filter((status) => status === "SUBSCRIBED").length;
    assert.ok(await waitUntil(() => joins() === 2, BACK_WITHIN_MS));
    assert.ok(statuses.all.includes("CHANNEL_ERROR"), "it was told of the loss as well");

    const other = await subscribed((await project.client()).channel(`contract-${user}`));
    await other.send({ type: "broadcast", event: "after", payload: {} });
    assert.equal((await inbox.first()).event, "after");
  },
});
