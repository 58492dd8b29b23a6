/**
 * People and posts as TikTok's API writes them: field by field, as asked for.
 * @module
 */
import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { CallEnv } from "../call.ts";
import { between, scribble } from "../seeded.ts";
import type { World } from "../world.ts";
import type { Creator } from "./creators.ts";
import { invalidParams } from "./errors.ts";
import type { Post } from "./posts.ts";

type Value = string | number | boolean;

/** The fields of a person. */
export const userFields: Readonly<Record<string, (creator: Creator) => Value>> = {
  open_id: (creator) => creator.open_id,
  union_id: (creator) => creator.union_id,
  avatar_url: (creator) =>
    `https://p16-sign-va.tiktokcdn.com/tos-maliva-avt/${
      scribble(32, creator.open_id)
    }~c5_168x168.jpeg`,
  display_name: (creator) => creator.display_name,
  username: (creator) => creator.username,
  bio_description: (creator) => `Posts by ${creator.display_name}`,
  profile_deep_link: (creator) => `https://vm.tiktok.com/${scribble(9, creator.open_id)}/`,
  is_verified: (creator) => creator.verified,
  follower_count: (creator) => creator.followers,
  following_count: (creator) => between(0, 900, creator.open_id, "following"),
  likes_count: (creator) => creator.followers * 21,
  video_count: (creator) => creator.posts,
};

/** The scope that lets an app read a field of a person. */
export function userScopes(field: string): string {
  if (["open_id", "union_id", "avatar_url", "display_name"].includes(field)) {
    return "user.info.basic";
  }
  return field.endsWith("_count") ? "user.info.stats" : "user.info.profile";
}

const page = (creator: Creator, { id }: Post) =>
  `https://www.tiktok.com/@${creator.username}/video/${id}`;

/** An address that is good for some hours and then answers 403. */
function cover(world: World, { id }: Post): string {
  const expires = Math.floor(world.now() / 1_000) + world.tiktok.settings.cover_seconds;
  const signature = createHash("sha256").update(`${id} ${expires}`).digest("base64url").slice(
    0,
    28,
  );
  return `https://p16-sign-va.tiktokcdn.com/tos-maliva-p-0068/${scribble(32, id)}~noop.jpeg` +
    `?x-expires=${expires}&x-signature=${signature}`;
}

/** The fields of a post. */
export const postFields: Readonly<
  Record<string, (world: World, creator: Creator, post: Post) => Value>
> = {
  id: (_world, _creator, post) => post.id,
  create_time: (_world, _creator, post) => post.create_time,
  cover_image_url: (world, _creator, post) => cover(world, post),
  share_url: (_world, creator, post) => `${page(creator, post)}?utm_campaign=client_share`,
  video_description: (_world, _creator, post) => post.description,
  title: (_world, _creator, post) => post.title,
  duration: (_world, _creator, post) => post.seconds,
  height: (_world, _creator, post) => post.height,
  width: (_world, _creator, post) => post.width,
  embed_html: (_world, creator, post) =>
    `<blockquote class="tiktok-embed" cite="${page(creator, post)}"></blockquote>`,
  embed_link: (_world, _creator, post) => `https://www.tiktok.com/embed/v2/${post.id}`,
  like_count: (_world, _creator, post) => post.likes,
  comment_count: (_world, _creator, post) => post.comments,
  share_count: (_world, _creator, post) => post.shares,
  view_count: (_world, _creator, post) => post.views,
};

/** The fields asked for in the query; there is no default. */
export function askedFields(c: Context<CallEnv>, known: readonly string[]): string[] {
  const fields = (c.req.query("fields") ?? "").split(",").filter(Boolean);
  if (fields.length === 0) throw invalidParams("Fields is required.");
  const unknown = fields.find((field) => !known.includes(field));
  if (unknown) throw invalidParams(`Field ${unknown} is not supported.`);
  return [...new Set(fields)];
}

/** Posts with the fields asked for; the fault `missing_fields` leaves all but two out. */
export function withFields(
  c: Context<CallEnv>,
  world: World,
  creator: Creator,
  posts: readonly Post[],
  fields: readonly string[],
): object[] {
  const shown = c.var.faults.has("missing_fields")
    ? fields.filter((field) => ["id", "create_time"].includes(field))
    : fields;
  return posts.map((post) =>
    Object.fromEntries(shown.map((field) => [field, postFields[field]?.(world, creator, post)]))
  );
}
