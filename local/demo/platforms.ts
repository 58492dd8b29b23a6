/** A platform that the demo connects and syncs. */
export interface DemoPlatform {
  /** As in the table `platform`. */
  readonly name: string;
  readonly label: string;
  /** What its items are called. */
  readonly items: string;
  readonly followers: string;
  /** How its accounts are authorized. */
  readonly authorizedBy: string;
}

/** In the order in which they are shown. */
export const demoPlatforms: readonly DemoPlatform[] = [
  {
    name: "youtube",
    label: "YouTube",
    items: "videos",
    followers: "subscribers",
    authorizedBy: "OAuth with PKCE",
  },
  {
    name: "instagram",
    label: "Instagram",
    items: "posts",
    followers: "followers",
    authorizedBy: "OAuth",
  },
  {
    name: "tiktok",
    label: "TikTok",
    items: "videos",
    followers: "followers",
    authorizedBy: "OAuth",
  },
];
