import { equal, throws } from "node:assert/strict";
import { partEnv } from "./part.ts";

const complete: Record<string, string> = {
  STACK_NAME: "default",
  STACK_DIR: "/state/default",
  STACK_API_URL: "http://127.0.0.1:54321",
  STACK_DB_URL: "postgresql://postgres:postgres@127.0.0.1:54322/postgres",
  STACK_ADMIN_DB_URL: "postgresql://supabase_admin:postgres@127.0.0.1:54322/postgres",
  STACK_API_DB_URL: "postgresql://supabase_lite:postgres@127.0.0.1:54322/postgres",
  STACK_PUBLISHABLE_KEY: "sb_publishable_x",
  STACK_SECRET_KEY: "sb_secret_x",
  STACK_JWT_SECRET: "secret",
  STACK_AUTOMATION_KEY: "sv_automation_x",
  STACK_MAIL_URL: "http://127.0.0.1:54324",
  STACK_PROVIDERS_URL: "http://127.0.0.1:54330",
  PART_PORT: "41000",
};

Deno.test("partEnv() reads what the supervisor sets", () => {
  const env = partEnv((name) => complete[name]);
  equal(env.port, 41000);
  equal(env.stackDir, "/state/default");
  equal(env.dataApiUrl, undefined);
});

Deno.test("partEnv() names the variable that is missing", () => {
  for (const missing of Object.keys(complete)) {
    throws(
      () => partEnv((name) => name === missing ? undefined : complete[name]),
      new RegExp(`${missing} is not set`),
    );
  }
});
