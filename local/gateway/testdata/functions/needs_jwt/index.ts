Deno.serve((request) => Response.json(Object.fromEntries(request.headers)));
