/**
 * TikTok's API v2 as far as a sync reads it: user/info, video/list, video/query. `fields` stands in
 * the query, paging and filters in the body.
 * @module
 */
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { CallEnv } from "../call.ts";
import { hash32 } from "../seeded.ts";
import type { World } from "../world.ts";
import { authorize, refuse } from "./access.ts";
import type { Creator } from "./creators.ts";
import { envelope, invalidParams, TikTokError } from "./errors.ts";
import { createTime, indexOfPost, newestBefore, type Post, postAt } from "./posts.ts";
import { askedFields, postFields, userFields, userScopes, withFields } from "./resources.ts";

const maxCount = 20;

const listSchema = z.object({
  cursor: z.number().int().nonnegative().optional(),
  max_count: z.number().int().min(1).max(maxCount).default(10),
});
const querySchema = z.object({
  filters: z.object({ video_ids: z.array(z.string()).min(1).max(maxCount) }),
});

async function readBody<T>(c: Context<CallEnv>, schema: z.ZodType<T>): Promise<T> {
  if (!c.req.header("content-type")?.startsWith("application/json")) {
    throw invalidParams("The content type has to be application/json.");
  }
  const text = await c.req.text();
  const parsed = schema.safeParse(text ? parseJson(text) : {});
  if (parsed.success) return parsed.data;
  throw invalidParams(`The request body is invalid: ${z.prettifyError(parsed.error)}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidParams("The request body is not JSON.");
  }
}

interface Page {
  posts: Post[];
  /** Milliseconds: the next page holds what is older. */
  cursor: number;
  has_more: boolean;
}

/**
 * A page of posts older than the cursor. What is not public takes up room without being shown: pages
 * run short, and some are empty, though there is more.
 */
function pageOf(
  creator: Creator,
  before: number,
  first: boolean,
  size: number,
  short: boolean,
): Page {
  const start = newestBefore(creator, before);
  if (start < 0) return { posts: [], cursor: first ? 0 : before, has_more: false };
  const seed = hash32(creator.open_id, before);
  const hidden = first || !short ? 0 : seed % 9 === 0 ? size : seed % 4;
  const end = Math.max(-1, start - Math.max(0, size - hidden));
  const posts: Post[] = [];
  for (let index = start; index > end; index--) {
    const post = postAt(creator, index);
    if (post?.public) posts.push(post);
  }
  const cursor = end === start
    ? nearer(before, postTime(creator, start))
    : postTime(creator, end + 1);
  return { posts, cursor, has_more: end >= 0 };
}

const postTime = (creator: Creator, index: number) => createTime(creator, index) * 1_000;

/** The cursor of an empty page: it has moved, and no post was passed over. */
const nearer = (before: number, newest: number) => newest + Math.ceil((before - newest) / 2);

async function listVideos(c: Context<CallEnv>, world: World, creator: Creator) {
  const fields = askedFields(c, Object.keys(postFields));
  const { cursor, max_count } = await readBody(c, listSchema);
  const { faults } = c.var;
  if (faults.has("cursor_expired")) throw invalidParams("The cursor is invalid.");
  const before = cursor || world.now() + 1;
  const page = pageOf(creator, before, !cursor, max_count, world.tiktok.settings.short_pages);
  const newest = page.posts[0];
  if (faults.has("empty_page") && newest) {
    const cursor = nearer(before, newest.create_time * 1_000);
    Object.assign(page, { posts: [], cursor, has_more: true });
  }
  if (faults.has("stuck_cursor")) Object.assign(page, { cursor: before, has_more: true });
  const earlier = newest && postAt(creator, newest.index + 1);
  if (faults.has("duplicate_item") && earlier) page.posts.unshift(earlier);
  page.posts.splice(0, faults.get("deleted_item")?.items ?? 0);
  const { posts, ...paging } = page;
  return { videos: withFields(c, world, creator, posts, fields), ...paging };
}

async function queryVideos(c: Context<CallEnv>, world: World, creator: Creator) {
  const fields = askedFields(c, Object.keys(postFields));
  const { filters } = await readBody(c, querySchema);
  const ids = filters.video_ids.slice(c.var.faults.get("deleted_item")?.items ?? 0);
  const posts = ids.flatMap((id) => {
    const index = indexOfPost(creator, id);
    const post = index === null ? null : postAt(creator, index);
    return post?.public ? [post] : [];
  });
  return { videos: withFields(c, world, creator, posts, fields) };
}

function userInfo(c: Context<CallEnv>, creator: Creator, scopes: readonly string[]) {
  const fields = askedFields(c, Object.keys(userFields));
  const hidden = fields.find((field) => !scopes.includes(userScopes(field)));
  if (hidden) {
    throw new TikTokError(
      401,
      "scope_not_authorized",
      `The user did not authorize the scope required for ${hidden}.`,
    );
  }
  const user = Object.fromEntries(fields.map((field) => [field, userFields[field]?.(creator)]));
  return { user };
}

/** Everything below `/v2` that takes a bearer token. */
export function apiRoutes(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  app.get("/user/info/", (c) => {
    const { creator, scopes } = authorize(c, world, "user.info.basic");
    refuse(c);
    return c.json(envelope(world, userInfo(c, creator, scopes)));
  });
  for (const [name, answer] of Object.entries({ list: listVideos, query: queryVideos })) {
    app.post(`/video/${name}/`, async (c) => {
      const { creator } = authorize(c, world, "video.list");
      refuse(c);
      return c.json(envelope(world, await answer(c, world, creator)));
    });
  }
  app.onError((error, c) => {
    if (!(error instanceof TikTokError)) throw error;
    return c.json(envelope(world, {}, error.code, error.message), error.status, error.headers);
  });
  return app;
}
