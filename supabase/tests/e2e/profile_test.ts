/** Everything about a person that stands in tables: whose it is, and who decides what. Over HTTP alone. */
import assert from "node:assert/strict";
import { readStack } from "../../../local/stack/client.ts";
import { aUserWithHistory, everything } from "./personal_data.ts";
import { Person } from "./person.ts";

const stack = await readStack();

Deno.test("a new user finds their profile, role, settings and free subscription, and changes what is theirs", async () => {
  const owner = await Person.signUp(stack);
  const { client } = owner;
  const role = await client.from("user_role").select("role").single().throwOnError();
  assert.equal(role.data.role, "user");
  const plan = await client.from("subscription").select(
    "tier, status, syncs_used, subscription_tier(*)",
  )
    .single().throwOnError();
  assert.deepEqual([plan.data.tier, plan.data.status, plan.data.syncs_used], ["free", "active", 0]);
  const { max_social_accounts, max_syncs, max_ai_analyses, max_seo_submissions } =
    plan.data.subscription_tier;
  assert.deepEqual([max_social_accounts, max_syncs, max_ai_analyses, max_seo_submissions], [
    1,
    10,
    25,
    0,
  ]);

  const texts = { display_name: "Ana", bio: "Films", category: "travel", is_public: true };
  const profile = await client.from("users").update(texts).eq("id", owner.id).select().single()
    .throwOnError();
  const { display_name, bio, category, is_public } = profile.data;
  assert.deepEqual({ display_name, bio, category, is_public }, texts);
  const setting = await client.from("user_setting").update({
    locale: "pt-BR",
    channels: ["in_app"],
  })
    .eq("user_id", owner.id).select().single().throwOnError();
  assert.deepEqual([setting.data.locale, setting.data.channels], ["pt-BR", ["in_app"]]);
});

Deno.test("what a user does not decide, they cannot write: role, tier, totals, slug, history", async () => {
  const { owner } = await aUserWithHistory(stack);
  const { client, id } = owner;
  const now = new Date().toISOString();
  const before = await everything(owner);
  const attempts = {
    "another id": client.from("users").update({ id: crypto.randomUUID() }).eq("id", id),
    "a slug": client.from("users").update({ profile_slug: "famous" }).eq("id", id),
    "followers": client.from("users").update({ total_followers: 1_000_000 }).eq("id", id),
    "an onboarding state": client.from("users").update({ onboarding_state: "completed" }).eq(
      "id",
      id,
    ),
    "an age": client.from("users").update({ created_at: "2001-01-01" }).eq("id", id),
    "a new profile": client.from("users").insert({
      id: crypto.randomUUID(),
      profile_slug: "second",
    }),
    "no profile": client.from("users").delete().eq("id", id),
    "an admin's role": client.from("user_role").insert({ user_id: id, role: "admin" }),
    "a changed role": client.from("user_role").update({ role: "admin" }).eq("user_id", id),
    "no role": client.from("user_role").delete().eq("user_id", id),
    "the best tier": client.from("subscription").update({ tier: "premium" }).eq("user_id", id),
    "unused quotas": client.from("subscription").update({ syncs_used: 0 }).eq("user_id", id),
    "a long cycle": client.from("subscription").update({ cycle_end: "2999-01-01" }).eq(
      "user_id",
      id,
    ),
    "a payer": client.from("subscription").update({ stripe_customer_id: "cus_1" }).eq(
      "user_id",
      id,
    ),
    "a second plan": client.from("subscription").upsert({
      user_id: id,
      tier: "premium",
      cycle_end: now,
      anchor_day: 1,
    }),
    "larger limits": client.from("subscription_tier").update({ max_syncs: 1_000 }).eq(
      "name",
      "free",
    ),
    "history": client.from("quota_usage_history").delete().eq("user_id", id),
    "a friendlier past": client.from("quota_usage_history").update({ syncs_used: 0 }).eq(
      "user_id",
      id,
    ),
    "an alibi": client.from("audit_log").insert({
      user_id: id,
      actor_role: "authenticated",
      action: "role.granted",
    }),
    "a clean record": client.from("audit_log").delete().eq("user_id", id),
    "another record": client.from("audit_log").update({ action: "profile.completed" }).eq(
      "user_id",
      id,
    ),
    "other news": client.from("notification").update({ title: "You won" }).eq("user_id", id),
    "own news": client.from("notification").insert({
      user_id: id,
      kind: "quota_reset",
      title: "x",
      body: "y",
    }),
    "somebody's settings": client.from("user_setting").update({ user_id: crypto.randomUUID() }).eq(
      "user_id",
      id,
    ),
  };
  for (const [what, attempt] of Object.entries(attempts)) {
    const { error } = await attempt;
    assert.equal(error?.code, "42501", `${what}: ${JSON.stringify(error)}`);
  }
  const calls = {
    "more quota": client.rpc("increment_quota", { p_user_id: id, p_quota_type: "syncs" }),
    "less use": client.rpc("decrement_quota", { p_user_id: id, p_quota_type: "syncs" }),
    "a consumed unit": client.rpc("consume_quota", { p_user_id: id, p_quota_type: "syncs" }),
    "a granted role": client.rpc("grant_role", { p_user_id: id, p_role: "admin" }),
    "a taken role": client.rpc("revoke_role", { p_user_id: id, p_role: "admin" }),
  };
  for (const [what, call] of Object.entries(calls)) {
    assert.equal((await call).error?.code, "42501", what);
  }
  assert.deepEqual(await everything(owner), before);
});
