/** Catches the mail of a local stack and shows it the way Mailpit does. */
import { exitWithSupervisor, partEnv } from "../part.ts";
import { answer } from "./api.ts";
import { Mailbox } from "./mailbox.ts";

const { mailUrl } = partEnv();
const mailbox = new Mailbox();

exitWithSupervisor();
Deno.serve(
  { hostname: "127.0.0.1", port: Number(new URL(mailUrl).port), onListen: () => {} },
  (request) => answer(mailbox, request),
);
