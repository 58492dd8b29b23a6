/**
 * The people and pages of the simulated Facebook, all told by an e-mail address. Whoever signs in
 * has three pages: one they may only look at, one they may write on, and one that belongs to a
 * business; `someone+1000@…` has pages of 1000 posts.
 * @module
 */
import { channellessEmail, itemsOf } from "../addresses.ts";
import { between, hash32, pick } from "../seeded.ts";

/** Somebody whose only page is one they may not write on. */
const analystEmail = "analyst@example.com";

/** A Facebook page, as one person sees it. */
export interface Page {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  readonly category: string;
  readonly followers: number;
  readonly posts: number;
  /** What the person may do there. */
  readonly tasks: readonly string[];
  /** Belongs to a business: hidden from whoever did not ask for `business_management`. */
  readonly ofBusiness: boolean;
}

const looking = ["ANALYZE", "ADVERTISE"];
const everything = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"];
const themes = ["Bakery", "Workshop", "Cycling Club", "Synth Lab", "Ramen Bar"];

// Seventeen digits are more than a double can tell apart.
const longId = (head: string, ...seed: string[]) =>
  `${head}${String(hash32(...seed)).padStart(10, "0")}`;

/** The id under which the app knows a person. */
export const personId = (email: string) => longId("1022000", email, "person");

/** A person's name. */
export const personName = (email: string) =>
  `${pick(["Maya", "Jonas", "Priya", "Leïla", "Sam"], email, "first")} ` +
  pick(["Lindgren", "Okafor", "Tanaka", "Moreau", "Silva"], email, "last");

/** The pages of whoever has this address. */
export function pagesOf(email: string): Page[] {
  if (email === channellessEmail) return [];
  const posts = itemsOf(email, 60);
  const theme = pick(themes, email, "theme");
  const page = (kind: string, tasks: readonly string[], ofBusiness = false): Page => ({
    id: longId("1000640", email, kind),
    name: kind === "own" ? theme : `${theme} ${kind}`,
    username: `${theme}.${hash32(email, kind) % 10_000}`.replaceAll(" ", "").toLowerCase(),
    category: "Creator",
    followers: between(50, 90_000, email, kind),
    posts,
    tasks,
    ofBusiness,
  });
  if (email === analystEmail) return [page("Fans", looking)];
  return [page("Fans", looking), page("own", everything), page("Agency", everything, true)];
}
