// Better Auth with its JWT plugin, as an application would set it up; only the database is in memory.

import { createServer } from "node:http";

import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";

/** Starts it on a free port. `options` are those of the plugin. */
export async function startBetterAuth(options) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseURL = `http://127.0.0.1:${server.address().port}`;
  const auth = betterAuth({
    baseURL,
    secret: "only-for-this-example-only-for-this-example",
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], jwks: [] }),
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    plugins: [jwt(options)],
  });
  server.on("request", toNodeHandler(auth));
  return { baseURL, close: () => server.close() };
}

/** Signs a new user up, and returns a function that gets a token for them. */
export async function signUp(baseURL, name) {
  const headers = { "Content-Type": "application/json", Origin: baseURL };
  const user = { name, email: `${name}@example.com`, password: "correct horse battery" };
  const signedUp = await fetch(`${baseURL}/api/auth/sign-up/email`, {
    method: "POST",
    headers,
    body: JSON.stringify(user),
  });
  if (!signedUp.ok) {
    throw new Error(`sign-up: ${signedUp.status} ${await signedUp.text()}`);
  }
  const { user: { id } } = await signedUp.json();
  const cookie = signedUp.headers.getSetCookie().map((it) => it.split(";")[0]).join("; ");
  return {
    id,
    token: async () => (await (await fetch(`${baseURL}/api/auth/token`, { headers: { cookie } })).json()).token,
  };
}
