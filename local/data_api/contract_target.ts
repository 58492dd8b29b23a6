import postgres from "postgres";
import { readStack } from "../stack/client.ts";

/** The Auth and data API that are held to their contract, and how their database is reached. */
export interface ApiTarget {
  readonly apiUrl: string;
  readonly publishableKey: string;
  readonly secretKey: string;
  readonly mailUrl: string;
  readonly dbUrl: string;
}

/** What CONTRACT_API_URL and its companions name, else the running stack. */
export async function apiTarget(): Promise<ApiTarget> {
  const apiUrl = Deno.env.get("CONTRACT_API_URL");
  if (!apiUrl) {
    const stack = await readStack();
    return {
      apiUrl: stack.api_url,
      publishableKey: stack.publishable_key,
      secretKey: stack.secret_key,
      mailUrl: stack.mail_url,
      dbUrl: stack.db_url,
    };
  }
  const need = (name: string) => {
    const value = Deno.env.get(name);
    if (!value) throw new Error(`${name} is not set; CONTRACT_API_URL needs it.`);
    return value;
  };
  return {
    apiUrl: apiUrl.replace(/\/+$/, ""),
    publishableKey: need("CONTRACT_PUBLISHABLE_KEY"),
    secretKey: need("CONTRACT_SECRET_KEY"),
    mailUrl: need("CONTRACT_MAIL_URL"),
    dbUrl: need("CONTRACT_DB_URL"),
  };
}

/** One answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Shapes are what the tests are about.
  readonly body: unknown;
}

/** Who asks. */
export type Caller = "nobody" | "anon" | "service" | { readonly token: string };

/** Asks the API as somebody; a body is sent as JSON. */
export async function ask(
  target: ApiTarget,
  caller: Caller,
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const keys: Record<string, string> = caller === "nobody"
    ? {}
    : { apikey: caller === "service" ? target.secretKey : target.publishableKey };
  if (typeof caller === "object") keys.authorization = `Bearer ${caller.token}`;
  const response = await fetch(target.apiUrl + path, {
    method,
    redirect: "manual",
    headers: {
      ...keys,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text && parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Runs statements as postgres, who owns what migrations make. */
export async function asPostgres(target: ApiTarget, text: string): Promise<void> {
  const sql = postgres(target.dbUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(text).simple();
  } finally {
    await sql.end();
  }
}
