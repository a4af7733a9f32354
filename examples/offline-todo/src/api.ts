/** The API. The types of its paths, parameters, bodies and responses are generated from `docs/openapi.json`. */

import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "../../typescript-client/src/schema.js";

export type Todo = components["schemas"]["TodoRead"];
export type Priority = Todo["priority"];
export type Tombstone = components["schemas"]["DeletedTodo"];
export type Problem = components["schemas"]["ErrorResponse"] | components["schemas"]["PreconditionFailedResponse"];
export type Api = Client<paths>;
export type Send = (request: Request) => Promise<Response>;

/** In milliseconds. A response that takes longer counts as lost: a connection may be dead without anybody saying so. */
const TIMEOUT = 20_000;

/** There was no response, or one that does not say what became of the request. Try again later. */
export class Unavailable extends Error {
  /** `retryAfter`: how long the server asked to wait, in seconds. */
  constructor(
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/**
 * A fetch that returns only responses of the API that settle the matter, and throws `Unavailable` for the others. A 404
 * of a captive portal must not pass for "this todo was deleted", so an error counts only in the API's own format.
 */
export const decisive: Send = async (request) => {
  const response = await fetch(request);
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json") ?? false;
  const isTemporary = response.status >= 500 || [401, 408, 429].includes(response.status);
  if (!response.ok && (isTemporary || !isProblem)) {
    await response.body?.cancel();
    throw new Unavailable(response.status === 401 ? "not signed in" : `status ${response.status}`, retryAfter(response));
  }
  return response;
};

/** The API on behalf of a user. For bearer tokens, wrap `send` as `token.ts` of `examples/typescript-client` does. */
export function connect(baseUrl: string, user: string, send: Send = decisive): { api: Api; send: Send } {
  const identified: Send = (request) => {
    request.headers.set("X-User-ID", user);
    return send(request);
  };
  const timed: Send = (request) => identified(new Request(request, { signal: AbortSignal.timeout(TIMEOUT) }));
  return { api: createClient<paths>({ baseUrl, fetch: timed }), send: identified };
}

/** The header `Retry-After` in seconds, which may also be a date. */
function retryAfter(response: Response): number | null {
  const value = response.headers.get("Retry-After");
  if (value === null) {
    return null;
  }
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(seconds, 0);
}

/** A message for the user. */
export function explain(problem: Problem): string {
  const fields = problem.field_errors.map(({ field, message }) => `${field} ${message}`);
  return fields.join("; ") || problem.detail;
}
