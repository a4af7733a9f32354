// Calls the todo API with tokens of Better Auth: with its default algorithm, and with RS256. TODO_API_BIN names the
// server's binary.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { signUp, startBetterAuth } from "./auth.js";

const binary = process.env.TODO_API_BIN ?? "../../target/debug/todo-api";

/** Runs a server that accepts the tokens of this issuer while `use` runs. */
async function withTodoApi(issuer, use) {
  const server = spawn(binary, {
    env: {
      HOST: "127.0.0.1",
      PORT: "0",
      DATABASE_URL: "sqlite::memory:",
      LOG_FORMAT: "json",
      SHUTDOWN_DELAY: "0s",
      AUTH: "jwt",
      JWT_JWKS_URL: `${issuer}/api/auth/jwks`,
      JWT_ISSUER: issuer,
      JWT_AUDIENCE: issuer,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(server, "exit");
  try {
    for await (const line of createInterface({ input: server.stdout })) {
      const { fields } = JSON.parse(line);
      if (fields.message === "listening") {
        return await use(fields.address);
      }
    }
    assert.fail("the server ended");
  } finally {
    server.kill();
    await ended;
  }
}

async function ready(api) {
  for (let tries = 0; (await fetch(`${api}/health/ready`)).status !== 200; tries++) {
    assert.ok(tries < 600, "the server has no keys");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The body of a call with this token, which is expected to have this status. */
async function call(url, token, status, init = {}) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const response = await fetch(url, { ...init, headers });
  const text = await response.text();
  assert.equal(response.status, status, text);
  return JSON.parse(text);
}

async function walk(options, algorithm) {
  const { baseURL, close } = await startBetterAuth(options);
  try {
    const [ann, bob] = [await signUp(baseURL, "ann"), await signUp(baseURL, "bob")];
    await withTodoApi(baseURL, async (api) => {
      // Better Auth makes its first key when it is first asked for one: for its key set, or for a token.
      await ready(api);
      const [annToken, bobToken] = [await ann.token(), await bob.token()];
      const header = JSON.parse(Buffer.from(annToken.split(".")[0], "base64url"));
      assert.equal(header.alg, algorithm);
      const me = await call(`${api}/api/v1/me`, annToken, 200);
      assert.equal(me.subject, ann.id);
      assert.notEqual(me.user_id, ann.id, "its ids are no UUIDs");
      // Another token of the same user.
      assert.equal((await call(`${api}/api/v1/me`, await ann.token(), 200)).user_id, me.user_id);
      const body = JSON.stringify({ title: "Buy groceries" });
      const todo = await call(`${api}/api/v1/todos`, annToken, 201, { method: "POST", body });
      assert.equal(todo.user_id, me.user_id);
      assert.equal((await call(`${api}/api/v1/todos`, annToken, 200)).count, 1);
      assert.equal((await call(`${api}/api/v1/todos`, bobToken, 200)).count, 0);
      await call(`${api}/api/v1/todos/${todo.id}`, bobToken, 404);
      const [signed, signature] = [annToken.slice(0, annToken.lastIndexOf(".") + 1), bobToken.split(".")[2]];
      assert.equal((await call(`${api}/api/v1/me`, signed + signature, 401)).error_code, "INVALID_TOKEN");
      console.log(`ok: ${algorithm}, ${JSON.stringify(header)}`);
    });
  } finally {
    close();
  }
}

await walk({}, "EdDSA");
await walk({ jwks: { keyPairConfig: { alg: "RS256" } } }, "RS256");
await walk({ jwks: { keyPairConfig: { alg: "ES256" } } }, "ES256");
