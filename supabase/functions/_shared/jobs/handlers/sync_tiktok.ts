import { contentSources } from "../../platforms/registry.ts";
import { defineSync } from "../sync_content.ts";

/** Brings the content of a TikTok account into `content_item`. */
export const syncTikTok = defineSync(contentSources.tiktok);
