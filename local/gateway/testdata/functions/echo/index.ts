import { createClient } from "@supabase/supabase-js";
import { jwtVerify } from "jose";
import { z } from "zod";

if ("upgradeWebSocket" in Deno && typeof createClient !== "function") throw new Error();
const libraries = [typeof z.object, typeof jwtVerify, typeof createClient];

/** Says what it sees. */
export default {
  async fetch(request: Request): Promise<Response> {
    if (request.headers.get("upgrade") === "websocket") {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send(`echo ${data}`);
      return response;
    }
    const url = new URL(request.url);
    console.log("echo was asked", url.pathname);
    return Response.json({
      method: request.method,
      path: url.pathname + url.search,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
      env: Deno.env.toObject(),
      libraries,
    }, { headers: { "access-control-allow-origin": "https://only.example" } });
  },
};
