/**
 * People at the simulated providers are known by an e-mail address, which also says what they have.
 * @module
 */

/** Who signs in where nobody else is named. */
export const defaultEmail = "creator@example.com";
/** Somebody who has nothing to connect: no channel, no page, a personal account. */
export const channellessEmail = "nochannel@example.com";
/** Somebody who has published nothing yet. */
export const emptyEmail = "empty@example.com";

/** How many items somebody has: `someone+1000@…` has 1000, whoever does not say has the usual number. */
export function itemsOf(address: string, usual: number): number {
  return address === emptyEmail ? 0 : Number(/\+(\d{1,6})@/.exec(address)?.[1] ?? usual);
}
