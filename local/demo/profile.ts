import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import { answerOf, DemoError } from "./demo_error.ts";

const profileRow = z.object({ profile_slug: z.string(), onboarding_state: z.string() });
const completed = z.object({ profile_slug: z.string() });

const texts = {
  display_name: "Дарья 旅行",
  bio: "Films from the mountains.",
  category: "travel",
};

/** Completes the profile the first time; says who the creator is and where their page is. */
export async function setUpProfile(client: SupabaseClient): Promise<string> {
  const { data, error } = await client.from("users").select("profile_slug, onboarding_state")
    .single();
  if (error) throw new DemoError(`The profile cannot be read: ${error.message}.`);
  const known = profileRow.parse(data);
  if (known.onboarding_state === "profile_completed" || known.onboarding_state === "completed") {
    return `is set up; its address is still /${known.profile_slug}`;
  }
  const { profile_slug } = await answerOf(
    "auth-profile-setup",
    client.functions.invoke("auth-profile-setup", { body: texts }),
    completed,
  );
  return `of “${texts.display_name}” set up at /${profile_slug}`;
}
