import { isRecord } from "./frames.ts";
import type { Identity } from "./authorization.ts";
import { limits } from "./limits.ts";
import type { Services } from "./services.ts";

interface Message {
  topic: string;
  event: string;
  payload: unknown;
  private: boolean;
  id?: string;
}

const accepted = () => new Response(null, { status: 202 });

/** `POST /api/broadcast`: many messages at once; what may not be sent is dropped silently. */
export async function broadcastBatch(services: Services, request: Request): Promise<Response> {
  const identity = await identify(services, request);
  if (!identity) return unauthorized();
  const body: unknown = await request.json().catch(() => undefined);
  const messages = isRecord(body) && Array.isArray(body.messages) ? body.messages : undefined;
  if (!messages || messages.length === 0) return invalid({ messages: ["can't be blank"] });
  const problems = messages.map(problemsOf);
  if (problems.some((problem) => Object.keys(problem).length > 0)) {
    return invalid({ messages: problems });
  }
  if (services.rates.messages.exceededBy()) return tooMany("You have exceeded your rate limit");
  if (services.rates.messages.exceededBy(messages.length)) {
    return tooMany("Too many messages to broadcast, please reduce the batch size");
  }
  const permitted = new Map<string, Promise<boolean>>();
  for (const message of messages.map(toMessage)) {
    const topic = { name: message.topic, private: message.private };
    if (message.private) {
      const answer = permitted.get(message.topic) ?? maySend(services, identity, message.topic);
      permitted.set(message.topic, answer);
      if (!await answer) continue;
    }
    const { event, payload, id } = message;
    services.rates.messages.add();
    const json = { type: "broadcast", event, payload, ...(id ? { meta: { id } } : {}) };
    services.hub.broadcast(topic, { json });
  }
  return accepted();
}

/** `POST /api/broadcast/<topic>/events/<event>`: one message, JSON or bytes. */
export async function broadcastOne(
  services: Services,
  request: Request,
  topic: string,
  event: string,
): Promise<Response> {
  const identity = await identify(services, request);
  if (!identity) return unauthorized();
  const isPrivate = new URL(request.url).searchParams.get("private") === "true";
  const payload = new Uint8Array(await request.arrayBuffer());
  const isBinary = request.headers.get("content-type") === "application/octet-stream";
  if (payload.length > limits.broadcastBytes) {
    return invalid({ payload: ["Payload size exceeds tenant limit"] });
  }
  if (!isBinary && !isJson(payload)) return invalid({ payload: ["is invalid"] });
  if (services.rates.messages.exceededBy()) return tooMany("You have exceeded your rate limit");
  if (isPrivate && !await maySend(services, identity, topic)) {
    return Response.json({ message: "Unauthorized" }, { status: 403 });
  }
  services.rates.messages.add();
  services.hub.broadcast({ name: topic, private: isPrivate }, {
    event,
    encoding: isBinary ? "binary" : "json",
    payload,
    meta: { id: crypto.randomUUID() },
  });
  return accepted();
}

async function identify(services: Services, request: Request): Promise<Identity | undefined> {
  const bearer = /^bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const token = bearer ?? request.headers.get("apikey") ?? "";
  try {
    return { claims: await services.tokens.verify(token), headers: {} };
  } catch {
    return undefined;
  }
}

async function maySend(services: Services, identity: Identity, topic: string): Promise<boolean> {
  try {
    return (await services.authorizer.canWrite(identity, topic)).broadcast;
  } catch (error) {
    services.log("warn", "write policy failed", { topic, error: String(error) });
    return false;
  }
}

function problemsOf(message: unknown): Record<string, string[]> {
  const fields = isRecord(message) ? message : {};
  const missing = ["topic", "event", "payload"].filter((name) =>
    fields[name] === undefined || fields[name] === null || fields[name] === ""
  );
  const problems = Object.fromEntries(missing.map((name) => [name, ["can't be blank"]]));
  if (JSON.stringify(fields.payload ?? null).length > limits.broadcastBytes) {
    problems.payload = ["Payload size exceeds tenant limit"];
  }
  return problems;
}

function toMessage(message: Record<string, unknown>): Message {
  return {
    topic: String(message.topic),
    event: String(message.event),
    payload: message.payload,
    private: message.private === true || message.private === "true",
    id: typeof message.id === "string" ? message.id : undefined,
  };
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}

const unauthorized = () => Response.json({ message: "Unauthorized" }, { status: 401 });
const tooMany = (message: string) => Response.json({ message }, { status: 429 });
const invalid = (errors: unknown) => Response.json({ errors }, { status: 422 });
