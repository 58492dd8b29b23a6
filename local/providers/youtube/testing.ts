/**
 * What tests read of the simulated YouTube's answers.
 * @module
 */
import { strict as assert } from "node:assert";
import type { TestSimulator } from "../testing.ts";

/** The parts of a list answer that tests read. */
export interface ListAnswer {
  kind: string;
  etag: string;
  nextPageToken?: string;
  prevPageToken?: string;
  pageInfo: { totalResults: number; resultsPerPage: number };
  items?: {
    id: string;
    snippet?: { title: string; tags?: string[]; liveBroadcastContent?: string };
    contentDetails?: {
      videoId?: string;
      duration?: string;
      relatedPlaylists?: { uploads: string };
    };
    statistics?: Record<string, string | boolean>;
    status?: { privacyStatus: string };
  }[];
  error?: { code: number; message: string; errors: { reason: string; domain: string }[] };
}

/** The JSON of a list answer. */
export async function listAnswer(response: Response): Promise<ListAnswer> {
  return await response.json();
}

/** The reason an API call was refused for. */
export async function reasonOf(response: Response): Promise<string> {
  const { error } = await listAnswer(response);
  assert.ok(error, "the answer is no error");
  assert.equal(error.code, response.status);
  return error.errors[0]?.reason ?? "";
}

/** The uploads playlist of whoever has this token. */
export async function uploadsOf(google: TestSimulator, token: string): Promise<string> {
  const response = await google.youtube("channels?part=contentDetails&mine=true", token);
  const uploads = (await listAnswer(response)).items?.[0]?.contentDetails?.relatedPlaylists
    ?.uploads;
  assert.ok(uploads);
  return uploads;
}

/** Every page of a playlist. */
export async function walk(
  google: TestSimulator,
  token: string,
  playlist: string,
): Promise<ListAnswer[]> {
  const pages: ListAnswer[] = [];
  let cursor: string | undefined;
  do {
    const page: ListAnswer = await listAnswer(
      await google.youtube(
        `playlistItems?part=contentDetails,status&maxResults=50&playlistId=${playlist}` +
          (cursor ? `&pageToken=${cursor}` : ""),
        token,
      ),
    );
    pages.push(page);
    cursor = page.nextPageToken;
  } while (cursor && pages.length < 30);
  return pages;
}

/** The ids of all videos of some pages. */
export const idsOf = (pages: ListAnswer[]) =>
  pages.flatMap((page) => page.items ?? []).map((item) => item.contentDetails?.videoId ?? "");
