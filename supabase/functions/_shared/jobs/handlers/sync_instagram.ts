import { contentSources } from "../../platforms/registry.ts";
import { defineSync } from "../sync_content.ts";

/** Brings the content of a Instagram account into `content_item`. */
export const syncInstagram = defineSync(contentSources.instagram);
