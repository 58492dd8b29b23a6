/** Calls of Facebook's Graph API. */

import type * as z from "zod";
import type { facebookEnv } from "../env.ts";
import { callProvider } from "./http.ts";
import { readMetaFault } from "./meta_fault.ts";
import type { CallOptions } from "./platform.ts";

/** What the calls are made with. */
export type FacebookSettings = () => ReturnType<typeof facebookEnv>;

/** One call. */
export interface GraphCall<T> {
  method?: "GET" | "DELETE";
  resource: string;
  query?: Record<string, string>;
  /** Null for the token endpoint, which takes the app's secret instead. */
  accessToken: string | null;
  schema: z.ZodType<T>;
  onHeaders?: (headers: Headers) => void;
}

/** Calls the graph; with a token goes the proof that the app's own server sends it. */
export async function callGraph<T>(
  settings: FacebookSettings,
  { method, resource, query, accessToken, schema, onHeaders }: GraphCall<T>,
  { signal }: CallOptions = {},
): Promise<T> {
  const { graphUrl, graphVersion, appSecret } = settings();
  const url = new URL(`${graphUrl}/${graphVersion}/${resource}`);
  const parameters = new URLSearchParams(query);
  const headers: Record<string, string> = {};
  if (accessToken !== null) {
    headers.authorization = `Bearer ${accessToken}`;
    parameters.set("appsecret_proof", await prove(accessToken, appSecret));
  }
  url.search = parameters.toString();
  return await callProvider({
    provider: "facebook",
    url,
    method,
    headers,
    schema,
    readFault: readMetaFault,
    onHeaders,
    signal,
  });
}

/** Only who holds the app's secret can make this of a token: a stolen one is worth nothing elsewhere. */
async function prove(accessToken: string, appSecret: string): Promise<string> {
  const bytes = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes.encode(appSecret), algorithm, false, [
    "sign",
  ]);
  const proof = await crypto.subtle.sign("HMAC", key, bytes.encode(accessToken));
  return [...new Uint8Array(proof)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
