/** Retries after lost responses, while the server is busy, and after too many requests. */

/** A response that asks to wait longer, as a rate limit per hour may, is left to the caller. */
const MAX_WAIT_SECONDS = 10;

export type Send = (request: Request) => Promise<Response>;

/**
 * Repeats a call until there is a response, at most `attempts` times. A request may have been executed although its
 * response got lost or was a 503. So if a repeat (`isRepeat`) fails with 412, the caller's own first attempt can be the
 * reason.
 */
export async function withRetries<T extends { response: Response }>(
  call: () => Promise<T>,
  attempts = 5,
): Promise<{ answer: T; isRepeat: boolean }> {
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= attempts;
    let seconds = 0.1 * 2 ** attempt * (0.5 + Math.random());
    try {
      const answer = await call();
      seconds = Number(answer.response.headers.get("Retry-After") ?? 1);
      if (![429, 503].includes(answer.response.status) || isLast || seconds > MAX_WAIT_SECONDS) {
        return { answer, isRepeat: attempt > 1 };
      }
    } catch (lost) {
      const isAborted = lost instanceof DOMException && lost.name === "AbortError";
      if (isLast || isAborted) {
        throw lost;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

/**
 * A fetch that repeats a request if the response gets lost, or if the server is busy (503) or limits the user (429),
 * provided that the second response means the same as the first. That excludes:
 *
 * - POST, which might create a second todo. To create a todo with retries, put it with a new id: `create`.
 * - Writes with a condition: if the first attempt was carried out, the second fails with 412, as if someone else had
 *   changed the todo. `create`, `change` and `remove` repeat these, and distinguish the two cases.
 *
 * If a repeated DELETE returns 404, the todo was deleted. A repeated PATCH or PUT without a condition overwrites
 * others' changes in between, as a single one might.
 */
export function retrying(send: Send, attempts = 5): Send {
  return async (request) => {
    if (!isRepeatable(request)) {
      return send(request);
    }
    const { answer } = await withRetries(async () => {
      const response = await send(request.clone());
      // The connection can also break within the body.
      await response.clone().arrayBuffer();
      return { response };
    }, attempts);
    return answer.response;
  };
}

function isRepeatable({ method, headers }: Request): boolean {
  const hasCondition = headers.has("If-Match") || headers.has("If-None-Match");
  return method === "GET" || method === "HEAD" || (method !== "POST" && !hasCondition);
}
