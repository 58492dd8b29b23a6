/** The rows as the document shows them. */
import { allPlatforms, type elsewhere, type Platform, type Row } from "./rows.ts";

const names: Record<Platform, string> = {
  youtube: "YouTube",
  instagram: "Instagram",
  tiktok: "TikTok",
};

/** The head of each of the document's tables. */
export const head = ["Switch", "At", "The run", "Code", "Next run in", "Connection", "In the end"];

/** A row's cells, in the order of {@link head}. */
export function cellsOf({ title, on, job, code, next, connection, end }: Row): string[] {
  const at = on.length === allPlatforms.length ? "all" : on.map((one) => names[one]).join(", ");
  return [title, at, job, code === "-" ? code : `\`${code}\``, next, connection, end];
}

/** The cells of the table of switches that a sync of a platform does not meet. */
export function elsewhereCells(reasons: typeof elsewhere): string[][] {
  return Object.entries(reasons).flatMap(([kind, why]) =>
    allPlatforms.flatMap((platform) => {
      const reason = why[platform];
      return reason === undefined ? [] : [[`\`${kind}\``, names[platform], reason]];
    })
  );
}
