import * as z from "zod";
import { serviceDb } from "../_shared/db.ts";
import { endpoint } from "../_shared/endpoint.ts";
import { AppError } from "../_shared/errors.ts";
import { ok } from "../_shared/reply.ts";
import { readableName } from "./readable_name.ts";

/** Text that PostgreSQL can hold: no NUL, no half of a surrogate pair. Length and content it judges itself. */
const Text = z.string().transform((text) => text.toWellFormed().replaceAll("\0", ""));

const Body = z.strictObject({
  display_name: Text,
  bio: Text.optional(),
  category: Text.optional(),
  /** Spelled as a browser would read it, so that no other spelling of a host slips through. */
  avatar_url: z.url({ protocol: /^https$/, normalize: true }).optional(),
});

/** Completes the caller's profile. Again, it changes the texts and keeps the address of the page. */
export default {
  fetch: endpoint({
    name: "auth-profile-setup",
    caller: "user",
    methods: ["POST"],
    body: Body,
  }, async ({ user, body }) => {
    // The service's to call: a user who could hand in the readable name would choose any address.
    const { data } = await serviceDb().rpc("complete_profile", {
      p_user_id: user.id,
      p_display_name: body.display_name,
      p_bio: body.bio,
      p_category: body.category,
      p_avatar_url: body.avatar_url,
      p_latin_name: readableName(body.display_name),
    }).throwOnError();
    const profile = data[0];
    if (!profile) throw new AppError("INTERNAL_ERROR", { cause: "complete_profile(): no row" });
    return ok({ profile_slug: profile.profile_slug, is_public: profile.is_public });
  }),
};
