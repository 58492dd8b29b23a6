import { parseArgs } from "node:util";
import { defaultStackName } from "../stack/info.ts";

/** The stack a task is about: `--name`, or the default one. */
export function stackNameFrom(args: string[]): string {
  const { values } = parseArgs({
    args,
    options: { name: { type: "string", default: defaultStackName } },
  });
  return values.name;
}
