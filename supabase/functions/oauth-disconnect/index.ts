import * as z from "zod";
import { endpoint } from "../_shared/endpoint.ts";
import { AppError } from "../_shared/errors.ts";
import { disconnect } from "../_shared/platforms/disconnect.ts";
import { ok } from "../_shared/reply.ts";

const Body = z.strictObject({ social_account_id: z.guid() });

/** Disconnects an account of the caller: the grant, the tokens and the syncs go, the content stays. */
export default {
  fetch: endpoint({
    name: "oauth-disconnect",
    caller: "user",
    methods: ["POST"],
    body: Body,
  }, async ({ user, db, body: { social_account_id }, log }) => {
    // Read as the user, before anything is said to a provider: a stranger's account is not there.
    const { data: own } = await db
      .from("social_account").select("id").eq("id", social_account_id).maybeSingle().throwOnError();
    if (!own) throw new AppError("SOCIAL_ACCOUNT_NOT_FOUND");
    const account = { userId: user.id, socialAccountId: social_account_id };
    return ok({ social_account_id, ...await disconnect(account, log) });
  }),
};
