/**
 * The pages a token may know of, and what stands on them.
 * @module
 */
import type { GraphNode } from "../meta/fields.ts";
import type { MetaGrant } from "../meta/token.ts";
import type { World } from "../world.ts";
import { postAt, readStoryId, videoAt } from "./catalogue.ts";
import { type Page, pagesOf } from "./people.ts";
import { pageToken } from "./token.ts";

/** A page as its people see it, with a token of its own. */
export function pageNode(world: World, grant: MetaGrant, page: Page): GraphNode {
  return {
    id: page.id,
    name: page.name,
    username: page.username,
    category: page.category,
    tasks: page.tasks,
    access_token: pageToken(world, grant, page.id),
    link: `https://www.facebook.com/${page.username}`,
    picture: {
      data: {
        height: 50,
        is_silhouette: false,
        url: `https://scontent.xx.fbcdn.net/v/t39/${page.id}.jpg?oe=1`,
        width: 50,
      },
    },
    fan_count: page.followers,
    followers_count: page.followers,
    is_published: true,
  };
}

/** The pages this token may know of. */
export function visiblePages({ email, scope, page_id }: MetaGrant): Page[] {
  const scopes = scope.split(",");
  if (page_id !== null) return pagesOf(email).filter((page) => page.id === page_id);
  if (!scopes.includes("pages_show_list")) return [];
  return pagesOf(email).filter((page) =>
    !page.ofBusiness || scopes.includes("business_management")
  );
}

/** The post or video with this id, if it stands on this page. */
export function storyOf(page: Page, id: string): GraphNode | null {
  const post = id.startsWith(`${page.id}_`)
    ? readStoryId(page, "post", id.slice(page.id.length + 1))
    : null;
  if (post !== null) return postAt(page, post);
  const video = readStoryId(page, "video", id);
  return video === null ? null : videoAt(page, video);
}
