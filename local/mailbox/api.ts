import { z } from "zod";
import type { Mailbox, Message } from "./mailbox.ts";

const person = z.object({ Email: z.string(), Name: z.string().default("") });

/** Body of Mailpit's `POST /api/v1/send`. */
const sendBody = z.object({
  From: person,
  To: z.array(person).min(1),
  Subject: z.string().default(""),
  Text: z.string().default(""),
  HTML: z.string().default(""),
});

const removeBody = z.object({ IDs: z.array(z.string()).optional() });

/** Answers the calls of Mailpit's REST API that tests and people need. */
export async function answer(mailbox: Mailbox, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const call = `${request.method} ${pathname.replace(/^\/api\/v1\/message\/.*/, "/message")}`;
  const page: [number, number] = [
    Number(searchParams.get("start") ?? 0),
    Number(searchParams.get("limit") ?? 50),
  ];
  switch (call) {
    case "GET /livez":
    case "GET /readyz":
    case "GET /_part/ready":
      return new Response("ok");
    case "GET /api/v1/info":
      return Response.json({ Version: "stand-in", Messages: mailbox.list().total });
    case "GET /api/v1/messages":
      return Response.json(mailbox.list("", ...page));
    case "GET /api/v1/search":
      return Response.json(mailbox.list(searchParams.get("query") ?? "", ...page));
    case "GET /message":
      return open(mailbox, pathname);
    case "POST /api/v1/send":
      return await send(mailbox, request);
    case "DELETE /api/v1/messages":
      return await remove(mailbox, request);
    case "GET /":
      return new Response(inbox(mailbox), { headers: { "content-type": "text/plain" } });
    default:
      return notFound();
  }
}

function open(mailbox: Mailbox, pathname: string): Response {
  const [, id = "", view] = /^\/api\/v1\/message\/([^/]+)(?:\/(\w+))?$/.exec(pathname) ?? [];
  const message = mailbox.open(id);
  if (!message) return notFound();
  if (view === undefined) return Response.json(message);
  if (view === "raw") {
    return new Response(raw(message), { headers: { "content-type": "text/plain" } });
  }
  if (view === "headers") return Response.json(headersOf(message));
  return notFound();
}

async function send(mailbox: Mailbox, request: Request): Promise<Response> {
  const body = sendBody.safeParse(await request.json().catch(() => null));
  if (!body.success) return Response.json({ Error: body.error.message }, { status: 400 });
  const { From, To, ...content } = body.data;
  const address = ({ Email, Name }: z.infer<typeof person>) => ({ Name, Address: Email });
  return Response.json({
    ID: mailbox.add({ ...content, From: address(From), To: To.map(address) }),
  });
}

async function remove(mailbox: Mailbox, request: Request): Promise<Response> {
  const text = await request.text();
  const body = removeBody.safeParse(text ? JSON.parse(text) : {});
  if (!body.success) return Response.json({ Error: body.error.message }, { status: 400 });
  mailbox.remove(body.data.IDs?.length ? body.data.IDs : undefined);
  return new Response("ok", { headers: { "content-type": "text/plain" } });
}

function headersOf({ From, To, Subject, Date, MessageID }: Message): Record<string, string[]> {
  return {
    "From": [`${From.Name} <${From.Address}>`],
    "To": To.map(({ Address }) => Address),
    "Subject": [Subject],
    "Date": [Date],
    "Message-Id": [`<${MessageID}>`],
  };
}

function raw(message: Message): string {
  const lines = Object.entries(headersOf(message)).map(([name, values]) =>
    `${name}: ${values.join(", ")}`
  );
  return [...lines, "", message.Text].join("\r\n");
}

/** For a person with a browser; the real Mailpit has a user interface here. */
function inbox(mailbox: Mailbox): string {
  const { messages } = mailbox.list() as {
    messages: { Created: string; To: Message["To"]; Subject: string; ID: string }[];
  };
  const lines = messages.map(({ Created, To, Subject, ID }) =>
    `${Created}  ${To[0]?.Address}  ${Subject}  /api/v1/message/${ID}`
  );
  return [`${messages.length} messages`, "", ...lines].join("\n");
}

function notFound(): Response {
  return new Response("404 page not found", {
    status: 404,
    headers: { "content-type": "text/plain" },
  });
}
