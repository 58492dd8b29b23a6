import { App } from "@supabase/lite";
import { createPostgresConnection, type PostgresConnection } from "@supabase/lite/postgres";
import type { ProjectConfig } from "./config.ts";
import type { PartEnv } from "../part.ts";
import { mailboxDriver } from "./email.ts";
import { answerLikePostgrest } from "./error_status.ts";
import { knownTokens } from "./known_tokens.ts";
import { mailPace } from "./mail_pace.ts";
import { shortenSessions } from "./session.ts";

/** Auth and data API on one reading of the database's schema. */
export interface DataApi {
  fetch(request: Request): Promise<Response> | Response;
  close(): Promise<void>;
}

/** Builds lite on the stack's database; it reads the schema before the first answer. */
export async function buildDataApi(env: PartEnv, config: ProjectConfig): Promise<DataApi> {
  const connection = createPostgresConnection({
    url: env.apiDbUrl,
    postgresOptions: { max: 20, onnotice: () => {} },
  });
  // On its first request lite would look for row-level security once, grant everything on every
  // schema that has it, and never switch roles if there is none. Telling it the answer keeps our
  // grants as they are. Should a new version look elsewhere, its grants fail: see platform SQL.
  Reflect.set(connection, "rlsState", "active");

  shortenSessions(connection);
  answerLikePostgrest(connection);

  // rpc() arguments of type jsonb reach the driver as JSON text already, and it would encode that
  // text once more, as a JSON string.
  const { serializers } = Reflect.get(connection, "driver").options;
  serializers[3802] = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value);

  const app = configuredApp(env, config, connection);
  await app.init();
  // lite walks over all columns at every request; it answers for those of these schemas only.
  const schema = await connection.introspect({ useCache: true });
  const served = new Set([...config.api.schemas, "auth"]);
  schema.columns = schema.columns.filter((column) => served.has(column.schema ?? "public"));
  return { fetch: (request) => app.fetch(request), close: () => connection.close() };
}

function configuredApp(
  env: PartEnv,
  { auth, api }: ProjectConfig,
  connection: PostgresConnection,
): App {
  const app = new App({
    connection,
    api: { schemas: api.schemas, max_rows: api.max_rows },
    auth: {
      enabled: true,
      jwt_secret: env.jwtSecret,
      publishable_key: env.publishableKey,
      secret_key: env.secretKey,
      site_url: auth.site_url,
      additional_redirect_urls: auth.additional_redirect_urls,
      jwt_expiry: auth.jwt_expiry,
      enable_signup: auth.enable_signup,
      enable_refresh_token_rotation: auth.enable_refresh_token_rotation,
      minimum_password_length: auth.minimum_password_length,
      email: {
        enable_signup: auth.email.enabled,
        enable_confirmations: auth.email.enable_confirmations,
        double_confirm_changes: auth.email.double_confirm_changes,
        otp_length: auth.email.otp_length,
        otp_expiry: auth.email.otp_expiry,
      },
    },
    // History is written by our runner and the CLI.
    db: { migrations: { enabled: false } },
    studio: { enabled: false },
    options: {
      server: {
        admin: false,
        disableFallback: true,
        middlewares: [knownTokens(env.jwtSecret), mailPace(auth.email)],
      },
      drivers: {
        email: mailboxDriver({
          mailUrl: env.mailUrl,
          apiUrl: env.apiUrl,
          siteUrl: auth.site_url,
        }),
      },
    },
  });
  // lite takes lists here as well, but its check of the configuration knows the names alone, and its own
  // list of symbols is short.
  Reflect.set(app.config.auth ?? {}, "password_required_characters", auth.password_requirements);
  return app;
}
