/** `deno task stop`: stops a stack that runs in another terminal. */
import { stopStack } from "../stack/stop.ts";
import { stackNameFrom } from "./stack_name.ts";

const name = stackNameFrom(Deno.args);
const ran = await stopStack(name);
console.log(ran ? `The stack "${name}" is stopped.` : `The stack "${name}" was not running.`);
