import assert from "node:assert/strict";
import { apps, MetaSimulator } from "../../../../local/providers/meta/testing.ts";
import { createFacebook, type FacebookApi } from "./facebook.ts";
import { normalizePost, Post } from "./facebook_post.ts";
import type { NormalizedItem } from "./platform.ts";
import { ProviderError } from "./provider_error.ts";

const normalize = (post: unknown) => normalizePost(Post.parse(post));

/** A page of 120 posts, and its token. */
async function pageOf(meta: MetaSimulator) {
  const url = `${meta.url}/facebook`;
  const facebook = createFacebook(() => ({
    appId: apps.facebook.id,
    appSecret: apps.facebook.secret,
    dialogUrl: url,
    graphUrl: url,
    graphVersion: "v26.0",
  }));
  const accessToken = await meta.facebookUser("some+120@example.com");
  const person = { accessToken, refreshToken: null, expiresAt: null, scopes: [] };
  return { facebook, token: (await facebook.openAccount(person)).grant.accessToken };
}

async function listAll(facebook: FacebookApi, token: string): Promise<NormalizedItem[]> {
  const items: NormalizedItem[] = [];
  let after: string | null = null;
  do {
    const page = await facebook.listPosts(token, after);
    items.push(...page.items);
    after = page.after;
  } while (after !== null);
  return items;
}

Deno.test("normalizePost() maps a photo to the keys of content_item", () => {
  assert.deepEqual(
    normalize({
      id: "1_2",
      message: "Fresh bread\n#Brot with @maya.cooks",
      created_time: "2026-01-02T03:04:05+0000",
      permalink_url: "https://www.facebook.com/1/posts/2",
      full_picture: "https://cdn.example/picture.jpg",
      status_type: "added_photos",
      is_published: true,
      attachments: { data: [{ media_type: "photo", type: "photo", url: "u" }] },
      likes: { data: [], summary: { total_count: 3 } },
      comments: { data: [], summary: { total_count: 0 } },
    }),
    {
      platform_content_id: "1_2",
      content_type: "image",
      title: "Fresh bread",
      description: "Fresh bread\n#Brot with @maya.cooks",
      url: "https://www.facebook.com/1/posts/2",
      thumbnail_url: null,
      duration_seconds: null,
      view_count: null,
      like_count: 3,
      comment_count: 0,
      tags: [],
      hashtags: ["brot"],
      mentions: ["maya.cooks"],
      media: [],
      category: null,
      published_at: "2026-01-02T03:04:05.000Z",
      visibility: "public",
      platform_data: {
        status_type: "added_photos",
        media_type: "photo",
        share_count: 0,
      },
    },
  );
});

for (
  const [media_type, permalink_url, type] of [
    ["photo", "/posts/1", "image"],
    ["album", "/posts/1", "carousel"],
    ["video", "/videos/1", "long_video"],
    ["video", "/reel/1/", "reel"],
    ["link", "/posts/1", "post"],
    [undefined, undefined, "post"],
  ] as const
) {
  Deno.test(`normalizePost() takes ${media_type} at ${permalink_url} for ${type}`, () => {
    const attachments = media_type && { data: [{ media_type }] };
    assert.equal(normalize({ id: "1", permalink_url, attachments }).content_type, type);
  });
}

Deno.test("normalizePost() names a post without words by its story, and hides what is not published", () => {
  const item = normalize({ id: "1", story: "A new cover photo.", is_published: false });
  assert.deepEqual(
    [item.title, item.description, item.visibility, item.like_count],
    ["A new cover photo.", "", "private", null],
  );
});

Deno.test("listPosts() reads every post of the page once, and says how full the limits are", async () => {
  await using meta = new MetaSimulator();
  const { facebook, token } = await pageOf(meta);
  const items = await listAll(facebook, token);
  assert.equal(new Set(items.map((item) => item.platform_content_id)).size, 120);
  assert.ok(items.every((item) => typeof item.like_count === "number"));
  const { pictures, usage_percent } = await facebook.listPosts(token, null);
  assert.match(pictures[items[0]!.platform_content_id]!, /^https:/);
  assert.equal(usage_percent, 1);
});

Deno.test("listPosts() lives with double, missing, empty and bare entries, not with an expired cursor", async () => {
  await using meta = new MetaSimulator();
  const { facebook, token } = await pageOf(meta);
  const lengths = { duplicate_item: 121, deleted_item: 119, empty_page: 120, missing_fields: 120 };
  for (const [kind, length] of Object.entries(lengths)) {
    await meta.fault({ kind });
    assert.equal((await listAll(facebook, token)).length, length, kind);
  }
  const { after } = await facebook.listPosts(token, null);
  await meta.fault({ kind: "cursor_expired" });
  await assert.rejects(
    facebook.listPosts(token, after),
    (error) => error instanceof ProviderError && error.class === "invalid_input",
  );
});
