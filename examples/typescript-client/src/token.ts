/** Bearer tokens that are renewed when they expire. For servers with `AUTH=jwt`. */

import createClient from "openapi-fetch";

import type { Api } from "./client.js";
import type { Send } from "./retry.js";
import type { paths } from "./schema.js";

/** Gets a token: a new one if `renew`, else the one at hand. */
export type TokenSource = (renew: boolean) => Promise<string>;

/** The API on behalf of the user whom the tokens name. */
export function connectWithTokens(baseUrl: string, tokens: TokenSource, send: Send = fetch): Api {
  return createClient<paths>({ baseUrl, fetch: authorizing(tokens, send) });
}

/**
 * A fetch that adds a token. If the server answers that the token has expired, it gets a new one and repeats the request,
 * once: a request that was answered with 401 was not carried out, so this is safe for a POST, too. Requests whose tokens
 * expire at the same time share one renewal.
 *
 * A 503 is not a reason to log the user out: the server may be waiting for the keys of the issuer.
 */
export function authorizing(tokens: TokenSource, send: Send): Send {
  let renewal: Promise<string> | null = null;
  const renew = () => {
    renewal ??= tokens(true).finally(() => {
      renewal = null;
    });
    return renewal;
  };
  const sendWith = (request: Request, token: string) => {
    const headers = new Headers(request.headers);
    headers.set("Authorization", `Bearer ${token}`);
    return send(new Request(request, { headers }));
  };
  return async (request) => {
    const again = request.clone();
    const token = await (renewal ?? tokens(false));
    const response = await sendWith(request, token);
    if (response.status !== 401 || !(await isExpired(response.clone()))) {
      return response;
    }
    // Perhaps another request has renewed it in the meantime.
    const current = await (renewal ?? tokens(false));
    return sendWith(again, current === token ? await renew() : current);
  };
}

async function isExpired(response: Response): Promise<boolean> {
  const problem: unknown = await response.json();
  return (
    typeof problem === "object" && problem !== null && "error_code" in problem && problem.error_code === "TOKEN_EXPIRED"
  );
}
