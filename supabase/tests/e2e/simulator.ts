/** The switches of the provider simulator that the end-to-end tests use. */
import assert from "node:assert/strict";
import type { StackInfo } from "../../../local/stack/info.ts";

async function admin(stack: StackInfo, method: string, path: string, body?: unknown) {
  const response = await fetch(`${stack.providers_url}/_admin${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
}

/** Switches a fault on for one Google account; other accounts, and so other tests, go unharmed. */
export async function addFault(stack: StackInfo, account: string, fault: Record<string, unknown>) {
  return await admin(stack, "POST", "/faults", { account, ...fault });
}

/** Switches a fault off that may have struck nobody. */
export async function removeFault(stack: StackInfo, id: string) {
  return await admin(stack, "DELETE", `/faults/${id}`);
}

/** Moves the providers' clock ahead of the machine's, for all: back to 0 before the test ends. */
export async function setClock(stack: StackInfo, seconds: number) {
  return await admin(stack, "PUT", "/settings", { clock_offset_seconds: seconds });
}

/** The YouTube calls made for an account so far. */
export async function youtubeCalls(
  stack: StackInfo,
  account: string,
): Promise<{ path: string; query: Record<string, string>; at: string; status: number }[]> {
  const query = new URLSearchParams({ path: "/youtube", account });
  return (await admin(stack, "GET", `/requests?${query}`)).requests;
}

/** A Google account nobody else uses, with a channel of this many videos. */
export const accountWith = (videos: number) =>
  `${crypto.randomUUID().slice(0, 8)}+${videos}@example.com`;

/** An edit of one item, as all platforms know it. */
export interface ItemEdit {
  deleted?: boolean;
  title?: string;
}

/** Edits the item with this id of an account at a platform. */
export async function editItem(
  stack: StackInfo,
  platform: string,
  email: string,
  id: string,
  edit: ItemEdit,
): Promise<void> {
  if (platform === "youtube") {
    const { channel } = await admin(stack, "GET", `/accounts/${email}`);
    await admin(stack, "PATCH", `/channels/${channel.id}/videos`, { [id]: edit });
  } else if (platform === "instagram") {
    const { title: caption, ...rest } = edit;
    const change = { ...rest, ...(caption !== undefined && { caption }) };
    await admin(stack, "PATCH", `/instagram/${email}/media`, { [id]: change });
  } else {
    await admin(stack, "PATCH", `/tiktok/creators/${email}/posts`, { [id]: edit });
  }
}
