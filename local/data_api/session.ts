import type { PostgresConnection } from "@supabase/lite/postgres";
import { isLostConnection } from "../postgres/transaction.ts";
import { CompiledQuery, type Kysely } from "kysely";
import type { ReservedSql, Sql } from "postgres";
import { patientReserve } from "./reserve.ts";

/** Who asks, as lite tells its connection. */
interface RequestContext {
  readonly auth?: { readonly role?: string; readonly uid?: string | null; readonly jwt?: unknown };
  readonly storage?: { readonly operation?: string };
}

/** What a function may want to know of the request that calls it. */
interface RpcRequest {
  readonly method: string;
  readonly path: string;
  readonly requestHeaders?: unknown;
}

type Database = Kysely<unknown>;
type Unsafe = ReservedSql["unsafe"];

/**
 * Makes a request cost four round trips to the database instead of thirty: each costs both sides
 * more than most statements do. What is sent, and that nothing of a request is sent before its role
 * is set, stays as it is.
 */
export function shortenSessions(connection: PostgresConnection): void {
  const driver: Sql = Reflect.get(connection, "driver");
  const reserve = patientReserve(driver);
  driver.reserve = async () => withPreparedStatements(await reserve());
  applySettingsAtOnce(connection);
}

/**
 * Statements with arguments are prepared, which spares the question for their types each time; and
 * `begin` travels with the statement behind it, which fails if `begin` does.
 */
function withPreparedStatements(connection: ReservedSql): ReservedSql {
  const send = connection.unsafe;
  const release = connection.release;
  let begun: Promise<unknown> | undefined;
  // On a connection that is gone the driver must be asked nothing more, nor be given it back: it
  // throws where nobody can catch it.
  let lost: unknown;
  const noticeLoss = (error: unknown) => {
    if (isLostConnection(error)) lost = error;
  };
  const sendPrepared = (text: string, args: Parameters<Unsafe>[1] = [], options = {}) => {
    if (lost) return refused(lost);
    if (text === "begin") {
      begun = send(text).execute();
      begun.catch(noticeLoss);
      return Promise.resolve(Object.assign([], { command: "BEGIN", count: 0 }));
    }
    const query = send(text, args, { prepare: args.length > 0, ...options });
    // Not query.catch(): that would send it, and whoever asked may not have chosen its form yet.
    Promise.prototype.then.call(query, undefined, noticeLoss);
    if (!begun) return query;
    const both = Promise.all([query, begun]).then(([result]) => result);
    both.catch(() => {});
    begun = undefined;
    return both;
  };
  return Object.assign(connection, {
    unsafe: sendPrepared as Unsafe,
    release: () => lost ? undefined : release(),
  });
}

/** A rejection that may also be ignored: not everybody who says `rollback` listens to the answer. */
function refused(reason: unknown): Promise<never> {
  const rejection = Promise.reject(reason);
  rejection.catch(() => {});
  return rejection;
}

/** lite sends each of up to eleven settings of a request as a statement of its own. */
function applySettingsAtOnce(connection: PostgresConnection): void {
  const withContext = connection.withContext.bind(connection);
  const applied = new WeakSet<Database>();
  const apply = async (db: Database, settings: Record<string, string>) => {
    const calls = Object.keys(settings).map((name, index) =>
      `set_config('${name}', $${index + 1}, true)`
    );
    const query = CompiledQuery.raw(`select ${calls.join(", ")}`, Object.values(settings));
    await db.executeQuery(query);
  };
  Object.assign(connection, {
    withContext: ((context, work, options) =>
      withContext(
        context && { ...context, rpc: options?.rpc },
        work,
        options,
      )) as typeof withContext,
    async applyJwtSessionContext(db: Database, context: RequestContext & { rpc?: RpcRequest }) {
      await apply(db, { ...(context.rpc && rpcSettings(context.rpc)), ...userSettings(context) });
      if (context.rpc) {
        applied.add(db);
      }
    },
    async applyRpcRequestGucs(db: Database, request: RpcRequest) {
      if (!applied.has(db)) await apply(db, rpcSettings(request));
    },
  });
}

/** PostgREST gives a request the time its role has; platform SQL sets the same for the roles. */
const longestStatement: Readonly<Record<string, string>> = { anon: "3s" };
const longestStatementOfOthers = "8s";

function userSettings({ auth, storage }: RequestContext): Record<string, string> {
  const role = auth?.role || "anon";
  const hasClaims = typeof auth?.jwt === "object" && auth.jwt !== null;
  return {
    "request.jwt.claim.sub": String(auth?.uid ?? ""),
    "request.jwt.claim.role": role,
    "request.jwt.claims": hasClaims ? JSON.stringify(auth.jwt) : "",
    "storage.operation": storage?.operation ?? "",
    statement_timeout: longestStatement[role] ?? longestStatementOfOthers,
    role,
  };
}

function rpcSettings({ method, path, requestHeaders }: RpcRequest): Record<string, string> {
  return {
    "response.status": "",
    "response.headers": "",
    "request.method": method,
    "request.path": path,
    "request.headers": JSON.stringify(requestHeaders ?? {}),
  };
}
