import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import type { StackInfo } from "../stack/info.ts";
import { DemoError } from "./demo_error.ts";
import { patientFetch } from "./patient_fetch.ts";

const planRow = z.object({
  display_name: z.string(),
  max_social_accounts: z.number(),
});

/**
 * Puts the user on a plan that allows three accounts; says how. Nobody pays for a plan yet, and no
 * user may change their own: this is done with the stack's secret key, as a payment will do it.
 */
export async function takePlan(client: SupabaseClient, stack: StackInfo): Promise<string> {
  const { data } = await client.auth.getUser();
  const service = createClient(stack.api_url, stack.secret_key, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { fetch: patientFetch() },
  });
  const { error } = await service.from("subscription").update({ tier: "basic" })
    .eq("user_id", data.user?.id ?? "");
  if (error) throw new DemoError(`The plan cannot be changed: ${error.message}.`);
  const tier = await client.from("subscription_tier").select("display_name, max_social_accounts")
    .eq("name", "basic").single();
  if (tier.error) throw new DemoError(`The plan cannot be read: ${tier.error.message}.`);
  const { display_name, max_social_accounts } = planRow.parse(tier.data);
  return `${display_name}, for ${max_social_accounts} accounts ` +
    "(given with the secret key: a free one allows one, and payments come later)";
}
