/** For tests of syncs: what a platform says. */

import type { NormalizedItem } from "../platforms/platform.ts";
import { ProviderError, type ProviderFault } from "../platforms/provider_error.ts";

/** An account. */
export const plainAccount = {
  platform_account_id: "channel",
  handle: "@channel",
  display_name: "Channel",
  avatar_url: null,
  follower_count: 1,
  list_id: "list",
};

/** An item. */
export function itemOf(id: string): NormalizedItem {
  return {
    platform_content_id: id,
    content_type: "long_video",
    title: `Title of ${id}`,
    description: "",
    url: `https://platform.example/${id}`,
    thumbnail_url: null,
    duration_seconds: 60,
    view_count: 1,
    like_count: null,
    comment_count: null,
    tags: [],
    hashtags: [],
    mentions: [],
    media: [],
    category: null,
    published_at: null,
    visibility: "public",
    platform_data: {},
  };
}

/** A failure of the platform. */
export function fault(fault: Partial<ProviderFault>): ProviderError {
  return new ProviderError({
    provider: "tiktok",
    httpStatus: 400,
    code: "400",
    reason: "reason",
    message: "secret body of the provider",
    class: "invalid_input",
    ...fault,
  });
}
