/** `deno task reset`: stops a stack and deletes its data, so that the next start begins anew. */
import { resetStack } from "../stack/stop.ts";
import { stackNameFrom } from "./stack_name.ts";

const name = stackNameFrom(Deno.args);
await resetStack(name);
console.log(`The data of the stack "${name}" is gone; \`deno task start\` builds it anew.`);
