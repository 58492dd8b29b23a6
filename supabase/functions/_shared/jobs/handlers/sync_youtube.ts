import { contentSources } from "../../platforms/registry.ts";
import { defineSync } from "../sync_content.ts";

/** Brings the content of a YouTube account into `content_item`. */
export const syncYouTube = defineSync(contentSources.youtube);
