import { parseArgs } from "node:util";
import { isPlayable, playableExtensions } from "../own_database/extension_plan.ts";
import { defaultStackName, isPartName, partNames } from "../stack/info.ts";
import { defaultApiPort } from "../stack/ports.ts";
import type { StartOptions } from "../stack/start.ts";

/** What was asked of `deno task start`. */
export interface StartArguments extends Omit<StartOptions, "signal" | "tell"> {
  /** For programs: the stack ends with the program that started it, and every part must run. */
  readonly child: boolean;
}

/** Reads the command line of `deno task start`; throws one sentence about what it does not know. */
export function startArguments(args: string[]): StartArguments {
  const { values } = parseArgs({
    args,
    options: {
      name: { type: "string", default: defaultStackName },
      port: { type: "string", default: String(defaultApiPort) },
      fast: { type: "boolean", default: false },
      "no-seed": { type: "boolean", default: false },
      "db-url": { type: "string" },
      "stand-in": { type: "string", multiple: true, default: [] },
      only: { type: "string", multiple: true, default: [] },
      skip: { type: "string", multiple: true, default: [] },
      child: { type: "boolean", default: false },
    },
  });
  const { name, port, fast, only, skip, child } = values;
  const unknown = [...only, ...skip].find((part) => !isPartName(part));
  if (unknown) throw new Error(`There is no part "${unknown}"; parts: ${partNames.join(", ")}.`);
  const standIns = values["stand-in"];
  const unplayed = standIns.find((extension) => !isPlayable(extension));
  if (unplayed) {
    throw new Error(
      `There is no stand-in for "${unplayed}"; there are: ${playableExtensions.join(", ")}.`,
    );
  }
  const dbUrl = values["db-url"];
  return {
    name,
    ...(dbUrl === undefined ? {} : { dbUrl }),
    standIns: standIns.filter(isPlayable),
    port: Number(port),
    fast,
    seed: !values["no-seed"],
    skipParts: partNames.filter((part) =>
      skip.includes(part) || only.length > 0 && !only.includes(part)
    ),
    child,
  };
}
