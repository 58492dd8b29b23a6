/**
 * What tests read of the simulated YouTube's answers.
 * @module
 */
import { strict as assert } from "node:assert";

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
