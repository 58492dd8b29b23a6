import { deepEqual, equal, match } from "node:assert/strict";
import { answer } from "./api.ts";
import { Mailbox } from "./mailbox.ts";

const base = "http://127.0.0.1";

async function send(mailbox: Mailbox, to: string, subject: string, text: string): Promise<void> {
  const response = await answer(
    mailbox,
    new Request(`${base}/api/v1/send`, {
      method: "POST",
      body: JSON.stringify({
        From: { Email: "admin@email.com", Name: "Admin" },
        To: [{ Email: to }],
        Subject: subject,
        Text: text,
      }),
    }),
  );
  equal(response.status, 200);
}

async function get(mailbox: Mailbox, path: string) {
  const response = await answer(mailbox, new Request(base + path));
  return { status: response.status, body: await response.json().catch(() => null) };
}

Deno.test("a sent message is found by its receiver and read by its ID", async () => {
  const mailbox = new Mailbox();
  await send(mailbox, "ada@example.com", "Confirm your sign-up", "Your code is 123456");
  await send(mailbox, "bob@example.com", "Confirm your sign-up", "Your code is 654321");

  const { body: found } = await get(mailbox, "/api/v1/search?query=to:ada@example.com");
  equal(found.messages_count, 1);
  equal(found.total, 2);
  equal(found.messages[0].To[0].Address, "ada@example.com");
  equal(found.messages[0].Read, false);

  const { body: message } = await get(mailbox, `/api/v1/message/${found.messages[0].ID}`);
  match(message.Text, /123456/);
  const { body: again } = await get(mailbox, "/api/v1/search?query=to:ada@example.com");
  equal(again.messages[0].Read, true);
});

Deno.test("`latest` is the newest message, and lists are newest first", async () => {
  const mailbox = new Mailbox();
  await send(mailbox, "ada@example.com", "first", "");
  await send(mailbox, "ada@example.com", "second", "");
  equal((await get(mailbox, "/api/v1/message/latest")).body.Subject, "second");
  const { body } = await get(mailbox, "/api/v1/messages?limit=1");
  deepEqual(body.messages.map(({ Subject }: { Subject: string }) => Subject), ["second"]);
  equal(body.messages_count, 2);
});

Deno.test("deleting takes the named messages, or all when none is named", async () => {
  const mailbox = new Mailbox();
  for (const subject of ["a", "b", "c"]) await send(mailbox, "ada@example.com", subject, "");
  const { body } = await get(mailbox, "/api/v1/messages");
  const remove = (text: string) =>
    answer(mailbox, new Request(`${base}/api/v1/messages`, { method: "DELETE", body: text }));
  await remove(JSON.stringify({ IDs: [body.messages[0].ID] }));
  equal((await get(mailbox, "/api/v1/messages")).body.total, 2);
  await remove("");
  equal((await get(mailbox, "/api/v1/messages")).body.total, 0);
});

Deno.test("an unknown message is 404, a malformed one 400", async () => {
  const mailbox = new Mailbox();
  equal((await get(mailbox, "/api/v1/message/nope")).status, 404);
  equal((await get(mailbox, "/api/v1/mailbox/ada")).status, 404);
  const response = await answer(
    mailbox,
    new Request(`${base}/api/v1/send`, { method: "POST", body: "{}" }),
  );
  equal(response.status, 400);
});
