/**
 * The one wrapper around every edge function. An endpoint declares who may call and what comes in; its
 * handler makes one call and says what goes out. Handlers never catch: whatever they throw becomes the
 * envelope, and what is not a registered error is logged and hidden.
 */

import { authenticateService, authenticateUser, type User } from "./auth.ts";
import { anonDb, serviceDb, userDb } from "./db.ts";
import type { Caller, Context, Endpoint, EndpointOptions } from "./endpoint_contract.ts";
import { toAppError } from "./error_mapping.ts";
import { AppError } from "./errors.ts";
import { createLogger, type LogFields, type Logger } from "./log.ts";
import { assertAllowed, clientIp, consumeRateLimit, rateLimitHeaders } from "./rate_limit.ts";
import { failure, finish, preflight } from "./reply.ts";
import { readBytes, readJsonBody, readQuery } from "./request_input.ts";

/** The parts a test replaces. */
export interface EndpointDeps {
  authenticateUser: (request: Request) => Promise<User>;
  authenticateService: (request: Request) => Promise<void>;
  consumeRateLimit: typeof consumeRateLimit;
  logger: Logger;
}

/** One request on its way through: what the answer and the log line will carry. */
interface Exchange {
  request: Request;
  requestId: string;
  headers: Record<string, string>;
  facts: LogFields;
  log: Logger;
}

const MAX_BODY_BYTES = 100 * 1024;
/** Well below the 150 s after which the platform answers 504 for us. */
const DEADLINE_MS = 60_000;
const REQUEST_ID = /^[\w.-]{8,64}$/;

/** Builds the `fetch` of a function. */
export function endpoint<C extends Caller, Q = undefined, B = undefined>(
  options: EndpointOptions<C, Q, B>,
  handle: (context: Context<C, Q, B>) => Response | Promise<Response>,
  replaced: Partial<EndpointDeps> = {},
): Endpoint {
  const { name, caller, cacheControl = "no-store" } = options;
  if (caller === "webhook" && !options.verify) throw new Error(`${name}: a webhook needs verify`);
  for (const read of options.needs ?? []) read();
  const deps = {
    authenticateUser,
    authenticateService,
    consumeRateLimit,
    logger: createLogger(),
    ...replaced,
  };
  const answersHead = options.methods.includes("GET");
  const methods: string[] = answersHead ? [...options.methods, "HEAD"] : [...options.methods];
  const limited = options.rateLimit ?? (caller !== "service" && caller !== "webhook");

  async function fetch(request: Request): Promise<Response> {
    if (request.method === "OPTIONS") return preflight(methods);
    const startedAt = performance.now();
    const requestId = requestIdOf(request);
    const exchange: Exchange = {
      request,
      requestId,
      headers: {},
      facts: { method: request.method, caller },
      log: deps.logger.with({ function: name, request_id: requestId }),
    };
    const reply = await answer(exchange).catch((thrown) => refuse(exchange, thrown));
    const response = await finish(reply, { ...exchange, cacheControl });
    const duration_ms = Math.round(performance.now() - startedAt);
    const level = response.status >= 500 ? "error" : "info";
    exchange.log[level]("request", { ...exchange.facts, status: response.status, duration_ms });
    return response;
  }

  async function answer(exchange: Exchange): Promise<Response> {
    const { request, facts, headers, log } = exchange;
    if (!methods.includes(request.method)) {
      headers.allow = [...methods, "OPTIONS"].join(", ");
      throw new AppError("METHOD_NOT_ALLOWED");
    }
    if (caller === "service") await deps.authenticateService(request);
    const user = caller === "user" ? await deps.authenticateUser(request) : null;
    if (user) facts.user_id = user.id;
    if (limited) await consumeLimit(exchange, user);
    const rawBody = await readBytes(request, options.maxBodyBytes ?? MAX_BODY_BYTES);
    await options.verify?.(request, rawBody);
    return await handle({
      request,
      requestId: exchange.requestId,
      query: readQuery(new URL(request.url), options.query) as Q,
      body: readJsonBody(request.headers, rawBody, options.body) as B,
      rawBody,
      user: user as Context<C, Q, B>["user"],
      db: user ? userDb(user.token) : caller === "public" ? anonDb() : serviceDb(),
      log: user ? log.with({ user_id: user.id }) : log,
      get signal() {
        return AbortSignal.timeout(DEADLINE_MS);
      },
    });
  }

  async function consumeLimit({ request, headers }: Exchange, user: User | null): Promise<void> {
    const limit = await deps.consumeRateLimit(
      user
        ? { functionName: name, caller: "user", key: user.id }
        : { functionName: name, caller: "ip", key: clientIp(request) },
    );
    Object.assign(headers, rateLimitHeaders(limit));
    assertAllowed(limit);
  }

  return Object.assign(fetch, { methods });
}

function requestIdOf(request: Request): string {
  const offered = request.headers.get("x-request-id") ?? "";
  return REQUEST_ID.test(offered) ? offered : crypto.randomUUID();
}

function refuse({ facts }: Exchange, thrown: unknown): Response {
  const error = toAppError(thrown);
  facts.error_code = error.code;
  if (error.status >= 500) facts.error = error;
  else if (error.cause instanceof Error) facts.reason = error.cause.message;
  return failure(error);
}
