/**
 * Facebook pages. What is connected is a page, with a token of its own that does not run out; the
 * person's token is kept beside it to get another.
 */

import * as z from "zod";
import { facebookEnv } from "../env.ts";
import { AppError } from "../errors.ts";
import { callGraph, type FacebookSettings } from "./facebook_graph.ts";
import { normalizePost, Post, POST_FIELDS } from "./facebook_post.ts";
import { cursorOf, EntryList, listOf, type MetaPage, toPage } from "./meta_page.ts";
import { readUsage } from "./meta_usage.ts";
import type { CallOptions, ConnectablePlatform } from "./platform.ts";

/** A page as its person sees it. */
export interface FacebookPage {
  id: string;
  name: string;
  username?: string;
  access_token?: string;
  /** What the person may do there. */
  tasks: string[];
  followers_count?: number;
  picture?: { data: { url?: string } };
}

/** What we read of Facebook. */
export interface FacebookApi {
  /** Up to {@link MAX_PAGES} pages of a person, in Facebook's order. */
  listPages(userToken: string, options?: CallOptions): Promise<FacebookPage[]>;
  /** Turns a person's grant into that of their first page they may write on, else `NO_CHANNEL`. */
  openAccount: ConnectablePlatform["openAccount"];
  /** Posts of the page that a token speaks for, newest first. `after` null asks for the first of them. */
  listPosts(pageToken: string, after: string | null, options?: CallOptions): Promise<MetaPage>;
}

/** What one page of posts holds at most. */
export const FACEBOOK_PAGE_SIZE = 50;

/** Nobody's list is read further than this. */
export const MAX_PAGES = 500;
const PAGE_SIZE = 100;

const Pages = listOf(z.object({
  id: z.string().min(1),
  name: z.string(),
  username: z.string().optional(),
  access_token: z.string().min(1).optional(),
  tasks: z.array(z.string()).default([]),
  followers_count: z.number().optional(),
  picture: z.object({ data: z.object({ url: z.string().optional() }) }).optional(),
}));

/** The API behind `FACEBOOK_GRAPH_URL`. */
export const facebook: FacebookApi = createFacebook(facebookEnv);

/** The API with these settings. */
export function createFacebook(settings: FacebookSettings): FacebookApi {
  async function listPages(userToken: string, options?: CallOptions): Promise<FacebookPage[]> {
    const pages: FacebookPage[] = [];
    let after: string | null = null;
    do {
      const list: z.infer<typeof Pages> = await callGraph(settings, {
        resource: "me/accounts",
        query: {
          fields: "id,name,username,access_token,tasks,followers_count,picture",
          limit: String(PAGE_SIZE),
          ...(after !== null && { after }),
        },
        accessToken: userToken,
        schema: Pages,
      }, options);
      pages.push(...list.data);
      after = cursorOf(list.paging);
    } while (after !== null && pages.length < MAX_PAGES);
    return pages;
  }

  return {
    listPages,

    async listPosts(pageToken, after, options) {
      let usage_percent: number | null = null;
      const list = await callGraph(settings, {
        resource: "me/posts",
        query: {
          fields: POST_FIELDS,
          limit: String(FACEBOOK_PAGE_SIZE),
          ...(after !== null && { after }),
        },
        accessToken: pageToken,
        schema: EntryList,
        onHeaders: (headers) => usage_percent = readUsage(headers),
      }, options);
      return toPage(
        list,
        Post,
        normalizePost,
        (post) => post.full_picture ?? null,
        usage_percent,
      );
    },

    async openAccount(grant, options) {
      const pages = await listPages(grant.accessToken, options);
      const page = pages.find(({ tasks, access_token }) =>
        access_token && tasks.includes("CREATE_CONTENT")
      );
      if (!page?.access_token) throw new AppError("NO_CHANNEL");
      return {
        account: {
          platform_account_id: page.id,
          handle: page.username ? `@${page.username}` : null,
          display_name: page.name,
          avatar_url: page.picture?.data.url ?? null,
          follower_count: page.followers_count ?? null,
        },
        grant: {
          accessToken: page.access_token,
          refreshToken: grant.accessToken,
          expiresAt: null,
          scopes: grant.scopes,
        },
      };
    },
  };
}
