/**
 * The Instagram API with Instagram Login, as far as a sync reads it.
 * @module
 */
import { type Context, Hono } from "hono";
import type { CallEnv } from "../call.ts";
import { admit, metaAccount, meter, refuse, requirePermission } from "../meta/access.ts";
import { consentRoutes } from "../meta/authorize.ts";
import { type GraphNode, parseFields, project } from "../meta/fields.ts";
import { GraphError, noSuchObject } from "../meta/graph_error.ts";
import { answerPage, bare } from "../meta/listing.ts";
import type { World } from "../world.ts";
import { simulatedCall } from "../call.ts";
import type { InstagramAccount } from "./accounts.ts";
import { mediaAt, mediaViewLimit, pictureOf, readMediaId } from "./catalogue.ts";
import { instagramTokenRoutes } from "./token.ts";

const scopeTexts = {
  instagram_business_basic: "View profile and access media",
  instagram_business_content_publish: "Publish content",
  instagram_business_manage_comments: "Access and manage comments",
  instagram_business_manage_messages: "Access and manage messages",
  instagram_business_manage_insights: "Access insights",
};

function accountNode(account: InstagramAccount, now: number): GraphNode {
  return {
    id: account.id,
    user_id: account.user_id,
    username: account.username,
    name: account.name || undefined,
    account_type: account.account_type,
    profile_picture_url: pictureOf(account, now),
    followers_count: account.followers,
    follows_count: 180,
    media_count: account.media,
  };
}

/** The account that a call may read, which is the caller's own. */
function enter(c: Context<CallEnv>, world: World): InstagramAccount {
  const { grant } = admit(c, world, "instagram");
  const account = world.instagram.account(grant.email);
  refuse(c, "instagram", account.user_id);
  requirePermission(grant, "instagram_business_basic");
  meter(c, world, "instagram", account.user_id);
  return account;
}

const isOwn = (account: InstagramAccount, id: string) =>
  ["me", account.id, account.user_id].includes(id);

function answerNode(c: Context<CallEnv>, world: World, id: string): Response {
  const account = enter(c, world);
  const fields = parseFields(c.req.query("fields") ?? "");
  if (isOwn(account, id)) return c.json(project(accountNode(account, world.now()), fields));
  const node = mediaOf(account, id, world.now());
  if (!node || c.var.faults.has("deleted_item")) throw noSuchObject(id);
  return c.json(project(c.var.faults.has("missing_fields") ? bare(node) : node, fields));
}

function mediaOf(account: InstagramAccount, id: string, now: number): GraphNode | null {
  const place = readMediaId(account, id);
  const media = place && mediaAt(account, place.index, now);
  if (!media || place.child === 0) return media;
  const children = media.children as { data: GraphNode[] } | undefined;
  return children?.data.find((child) => child.id === id) ?? null;
}

function answerMedia(c: Context<CallEnv>, world: World, id: string): Response {
  const account = enter(c, world);
  if (!isOwn(account, id)) throw noSuchObject(id);
  if (account.account_type === "Personal") {
    throw new GraphError(10, "(#10) The account is not a professional account", { status: 403 });
  }
  const now = world.now();
  return answerPage(c, {
    name: `${account.user_id}/media`,
    length: Math.min(account.media, mediaViewLimit),
    at: (position) => mediaAt(account, account.media - 1 - position, now),
  });
}

/** Everything below `/instagram`: all three hosts, whose paths do not meet. */
export function instagramRoutes(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  app.use(simulatedCall(world, metaAccount(world)));
  app.route(
    "/oauth/authorize",
    consentRoutes(world, {
      provider: "instagram",
      title: "Instagram",
      scopeTexts,
      action: "authorize/decision",
      fragment: "_",
      denial: {
        error: "access_denied",
        error_reason: "user_denied",
        error_description: "The user denied your request.",
      },
    }),
  );
  app.route("/", instagramTokenRoutes(world));
  for (const version of ["", "/:version{v[0-9]+\\.[0-9]+}"]) {
    app.get(`${version}/:id`, (c) => answerNode(c, world, c.req.param("id") ?? ""));
    app.get(`${version}/:id/media`, (c) => answerMedia(c, world, c.req.param("id") ?? ""));
  }
  app.notFound(() => new GraphError(2500, "Unknown path components").response());
  app.onError((error) => {
    if (!(error instanceof GraphError)) throw error;
    return error.response();
  });
  return app;
}
