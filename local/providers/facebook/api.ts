/**
 * Facebook's login dialog and the parts of the Graph API that concern a person's pages.
 * @module
 */
import { type Context, Hono } from "hono";
import { type CallEnv, simulatedCall } from "../call.ts";
import { admit, metaAccount, meter, refuse, requirePermission } from "../meta/access.ts";
import { consentRoutes } from "../meta/authorize.ts";
import { parseFields, project } from "../meta/fields.ts";
import { GraphError, noSuchObject } from "../meta/graph_error.ts";
import { answerPage, bare } from "../meta/listing.ts";
import type { MetaGrant } from "../meta/token.ts";
import { appUsage } from "../meta/usage.ts";
import type { World } from "../world.ts";
import { postAt, videoAt, videosOn } from "./catalogue.ts";
import { pageNode, storyOf, visiblePages } from "./pages.ts";
import { personId, personName } from "./people.ts";
import { facebookTokenRoutes } from "./token.ts";

const scopeTexts = {
  public_profile: "Your name and profile picture",
  email: "Your e-mail address",
  pages_show_list: "Show a list of the Pages you manage",
  pages_read_engagement: "Read content posted on the Page",
  pages_read_user_content: "Read user content on your Page",
  pages_manage_posts: "Create and manage content on your Page",
  business_management: "Manage your business",
  read_insights: "Access your Page's insights",
};

/** Who calls, counted against whatever limits that is. */
function enter(c: Context<CallEnv>, world: World): MetaGrant {
  const { grant } = admit(c, world, "facebook");
  refuse(c, "facebook", grant.page_id ?? "user");
  if (grant.page_id) meter(c, world, "facebook", grant.page_id);
  else for (const [name, value] of Object.entries(appUsage(1))) c.header(name, value);
  return grant;
}

const isMe = (grant: MetaGrant, id: string) =>
  id === "me" || id === (grant.page_id ?? personId(grant.email));

function answerNode(c: Context<CallEnv>, world: World, id: string): Response {
  const grant = enter(c, world);
  const fields = parseFields(c.req.query("fields") ?? "");
  if (isMe(grant, id) && grant.page_id === null) {
    const person = { id: personId(grant.email), name: personName(grant.email) };
    return c.json(project(person, fields.length ? fields : [{ name: "name", fields: null }]));
  }
  const pages = visiblePages(grant);
  const page = pages.find((one) => one.id === id || (id === "me" && one.id === grant.page_id));
  if (page) return c.json(project(pageNode(world, grant, page), fields));
  const node = pages.map((one) => storyOf(one, id)).find(Boolean);
  if (!node || c.var.faults.has("deleted_item")) throw noSuchObject(id);
  requirePermission(grant, "pages_read_engagement");
  return c.json(project(c.var.faults.has("missing_fields") ? bare(node) : node, fields));
}

function answerPages(c: Context<CallEnv>, world: World, id: string): Response {
  const grant = enter(c, world);
  if (!isMe(grant, id) || grant.page_id !== null) throw noSuchObject(id);
  const pages = visiblePages(grant);
  return answerPage(c, {
    name: `${personId(grant.email)}/accounts`,
    length: pages.length,
    at: (position) => {
      const page = pages[position];
      return page ? pageNode(world, grant, page) : null;
    },
  });
}

function answerStories(c: Context<CallEnv>, world: World, id: string, kind: string): Response {
  const grant = enter(c, world);
  requirePermission(grant, "pages_read_engagement");
  const wanted = id === "me" ? grant.page_id : id;
  const page = visiblePages(grant).find((one) => one.id === wanted);
  if (!page) throw noSuchObject(id);
  const [length, at] = kind === "videos" ? [videosOn(page), videoAt] : [page.posts, postAt];
  return answerPage(c, {
    name: `${page.id}/${kind}`,
    length,
    at: (position) => at(page, length - 1 - position),
  });
}

function revoke(c: Context<CallEnv>, world: World, id: string): Response {
  const { grant, app } = admit(c, world, "facebook");
  refuse(c, "facebook", "user");
  if (!isMe(grant, id) || grant.page_id !== null) throw noSuchObject(id);
  world.consents.revoke(app.project, grant.email);
  world.save();
  return c.json({ success: true });
}

function graph(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  app.route("/", facebookTokenRoutes(world));
  app.get("/:id", (c) => answerNode(c, world, c.req.param("id")));
  app.get("/:id/accounts", (c) => answerPages(c, world, c.req.param("id")));
  app.get(
    "/:id/:kind{posts|videos}",
    (c) => answerStories(c, world, c.req.param("id"), c.req.param("kind")),
  );
  app.delete("/:id/permissions", (c) => revoke(c, world, c.req.param("id")));
  return app;
}

/** Everything below `/facebook`: the dialog and the graph, both below a version. */
export function facebookRoutes(world: World): Hono<CallEnv> {
  const app = new Hono<CallEnv>();
  app.use(simulatedCall(world, metaAccount(world)));
  const version = "/:version{v[0-9]+\\.[0-9]+}";
  app.route(
    `${version}/dialog/oauth`,
    consentRoutes(world, {
      provider: "facebook",
      title: "Facebook",
      scopeTexts,
      action: "oauth/decision",
      fragment: "_=_",
      denial: {
        error: "access_denied",
        error_code: "200",
        error_reason: "user_denied",
        error_description: "Permissions error",
      },
    }),
  );
  app.route(version, graph(world));
  app.notFound(() => new GraphError(2500, "Unknown path components").response());
  app.onError((error) => {
    if (!(error instanceof GraphError)) throw error;
    return error.response();
  });
  return app;
}
