import { join } from "node:path";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { repositoryRoot } from "../stack/paths.ts";
import { frontDoor } from "./front_door.ts";
import type { FunctionLogLine } from "./function_log.ts";
import { Functions } from "./functions.ts";
import { type FunctionLimits, hostedLimits } from "./limits.ts";
import { jwtVerifier } from "./verify_jwt.ts";

export const publishableKey = "sb_publishable_test";
export const secretKey = "sb_secret_test";
export const jwtSecret = "a-secret-of-at-least-thirty-two-characters";

/** A gateway in front of the fixture functions and of two small servers that play the backends. */
export interface TestGateway extends AsyncDisposable {
  readonly url: string;
  readonly logs: FunctionLogLine[];
  readonly functions: Functions;
  /** A user token signed with the auth server's own key. */
  signAsymmetric(): Promise<string>;
  /** Waits for a log line. */
  logged(part: string): Promise<FunctionLogLine>;
}

/** Starts one; every port is a free one. */
export async function startGateway(
  options: { limits?: Partial<FunctionLimits>; prewarm?: string[]; registry?: string } = {},
): Promise<TestGateway> {
  const keys = await generateKeyPair("ES256");
  const jwk = { ...await exportJWK(keys.publicKey), kid: "test", alg: "ES256" };
  const backend = playBackends(jwk);
  const backendUrl = `http://127.0.0.1:${backend.addr.port}`;
  const logs: FunctionLogLine[] = [];
  const functions = new Functions({
    supabaseDir: join(import.meta.dirname ?? "", "testdata"),
    limits: { ...hostedLimits, ...options.limits },
    env: { OWN_SECRET: "hush" },
    log: (line) => logs.push(line),
    readable: repositoryRoot,
    unreadable: [],
    verifyJwt: jwtVerifier({
      publishableKey,
      secretKey,
      jwtSecret,
      jwksUrl: `${backendUrl}/jwks.json`,
    }),
    prewarm: options.prewarm ?? [],
    ...(options.registry ? { registry: options.registry } : {}),
  });
  await functions.load();
  const answer = frontDoor({
    dataApiUrl: backendUrl,
    realtimeUrl: backendUrl,
    functions: (request, client) => functions.handle(request, client),
  });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request, { remoteAddr }) => answer(request, { address: remoteAddr.hostname }),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    logs,
    functions,
    signAsymmetric: () =>
      new SignJWT({ sub: "me" }).setProtectedHeader({ alg: "ES256", kid: "test" })
        .setExpirationTime("1m").sign(keys.privateKey),
    async logged(part) {
      for (let tries = 0; tries < 400; tries++) {
        const line = logs.find(({ message }) => message.includes(part));
        if (line) return line;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`"${part}" was not logged in time`);
    },
    async [Symbol.asyncDispose]() {
      await functions.stop();
      await Promise.all([server.shutdown(), backend.shutdown()]);
    },
  };
}

/** Data API, Auth server and Realtime in one: what is asked of it is answered with its own headers. */
function playBackends(jwk: JWK) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    if (request.headers.get("upgrade") === "websocket") return playRealtime(request);
    if (request.url.endsWith("/jwks.json")) return Response.json({ keys: [jwk] });
    return Response.json(Object.fromEntries(request.headers), { status: 203 });
  });
}

/** Answers each message; refuses the path /refused. */
function playRealtime(request: Request): Response {
  if (request.url.includes("/refused")) return new Response(null, { status: 403 });
  const { socket, response } = Deno.upgradeWebSocket(request, { protocol: "phoenix" });
  socket.onopen = () => socket.send("welcome");
  socket.onmessage = ({ data }) => {
    if (data === "leave") socket.close(4321, "as you wish");
    else socket.send(data);
  };
  return response;
}
