/**
 * Calls a server with `AUTH=jwt` at BASE_URL, whose JWT_SECRET, JWT_ISSUER and JWT_AUDIENCE are set here, too, and whose
 * JWT_LEEWAY is 0. Renews tokens that have expired.
 */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import { connectWithTokens, type TokenSource } from "../token.js";
import { retrying } from "../retry.js";
import { baseUrl, body, clear, list, post, problem, type Steps } from "./calls.js";

const { JWT_SECRET: secret, JWT_ISSUER: iss, JWT_AUDIENCE: aud } = process.env;
const sub = "auth0|62b1c0";

/** A token that expires after this many seconds. */
function token(seconds: number): string {
  assert.ok(secret !== undefined);
  const iat = Math.floor(Date.now() / 1000) - 3600;
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "HS256" })}.${encode({ iss, aud, sub, iat, exp: iat + 3600 + seconds })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** An issuer whose first token is this one, and whose later ones are valid; it counts those. */
function issuer(first: string): { tokens: TokenSource; renewals: () => number } {
  let [current, renewals] = [first, 0];
  const tokens = async (renew: boolean) => {
    if (renew) {
      renewals++;
      // Like a request to an issuer, it takes a moment.
      await new Promise((resolve) => setTimeout(resolve, 50));
      current = token(3600);
    }
    return current;
  };
  return { tokens, renewals: () => renewals };
}

const steps: Steps = {
  async "a token names the user"() {
    const { tokens, renewals } = issuer(token(3600));
    const api = connectWithTokens(baseUrl, tokens, retrying(fetch));
    const me = body(await api.GET("/api/v1/me"), 200);
    assert.equal(me.subject, sub);
    assert.equal((await post(api, "Buy groceries")).user_id, me.user_id);
    await clear(api);
    assert.equal(renewals(), 0);
  },

  async "a token that has expired is renewed, and the request is carried out once"() {
    const { tokens, renewals } = issuer(token(-10));
    const api = connectWithTokens(baseUrl, tokens);
    await post(api, "Only once");
    assert.equal((await list(api)).count, 1);
    assert.equal(renewals(), 1);
    await clear(api);
  },

  async "requests at the same time share one renewal"() {
    const { tokens, renewals } = issuer(token(-10));
    const api = connectWithTokens(baseUrl, tokens);
    await Promise.all(Array.from({ length: 20 }, () => list(api)));
    assert.equal(renewals(), 1);
  },

  async "a token that is refused for another reason is not renewed"() {
    const { tokens, renewals } = issuer(`${token(3600)}x`);
    const api = connectWithTokens(baseUrl, tokens);
    problem(await api.GET("/api/v1/me"), 401, "INVALID_TOKEN");
    assert.equal(renewals(), 0);
  },

  async "a renewed token that has expired, too, is an error"() {
    let renewals = 0;
    const api = connectWithTokens(baseUrl, async (renew) => token(-10 - (renew ? ++renewals : 0)));
    problem(await api.GET("/api/v1/me"), 401, "TOKEN_EXPIRED");
    assert.equal(renewals, 1);
  },
};

for (const [name, step] of Object.entries(steps)) {
  await step();
  console.log(`ok: ${name}`);
}
