// What a person enters to authorize: a user's id, or, for a server with AUTH=jwt, a token signed with its JWT_SECRET.

import { createHmac } from "node:crypto";

const { AUTH, JWT_SECRET, JWT_ISSUER: iss, JWT_AUDIENCE: aud } = process.env;

export const usesTokens = AUTH === "jwt";

export function credentials() {
  const user = crypto.randomUUID();
  if (!usesTokens) return user;
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const claims = { iss, aud, sub: user, exp: Math.floor(Date.now() / 1000) + 3600 };
  const signed = `${encode({ alg: "HS256" })}.${encode(claims)}`;
  return `${signed}.${createHmac("sha256", JWT_SECRET).update(signed).digest("base64url")}`;
}
