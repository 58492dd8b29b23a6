import { parseArgs } from "node:util";
import { defaultStackName, isPartName, type PartName, partNames } from "../stack/info.ts";
import { defaultApiPort } from "../stack/ports.ts";

/** What was asked of `deno task start`. */
export interface StartArguments {
  readonly name: string;
  readonly port: number;
  readonly fast: boolean;
  readonly seed: boolean;
  readonly skipParts: readonly PartName[];
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
      skip: { type: "string", multiple: true, default: [] },
      child: { type: "boolean", default: false },
    },
  });
  const { name, port, fast, skip, child } = values;
  const unknown = skip.find((part) => !isPartName(part));
  if (unknown) throw new Error(`There is no part "${unknown}"; parts: ${partNames.join(", ")}.`);
  return {
    name,
    port: Number(port),
    fast,
    seed: !values["no-seed"],
    skipParts: skip.filter(isPartName),
    child,
  };
}
