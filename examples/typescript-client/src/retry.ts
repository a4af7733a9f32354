/** Requests whose answers get lost, and a server that is busy. */

export type Send = (request: Request) => Promise<Response>;

/**
 * Makes a call until it is answered, `attempts` times at most. An answer can get lost after the server has acted, and
 * a 503 may have been carried out, too; so after a repeat (`isRepeat`) a 412 can be the effect of the caller's own
 * first attempt.
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
      if (answer.response.status !== 503 || isLast) {
        return { answer, isRepeat: attempt > 1 };
      }
      seconds = Number(answer.response.headers.get("Retry-After") ?? 1);
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
 * A fetch that sends a request again when the answer gets lost or the server is busy (503), where the second answer
 * means the same as the first. That leaves out:
 *
 * - POST, which might make a second todo. To repeat a creation, put the todo under an id of its own: `create`.
 * - Writes with a condition: if the first attempt was carried out, the second is a 412, which looks as if somebody else
 *   had changed the todo. `create`, `change` and `remove` repeat these, and tell the two apart.
 *
 * A DELETE that is a 404 the second time was carried out. A PATCH or PUT without a condition overwrites, when it is
 * repeated, what others have changed meanwhile, as it might have done the first time.
 */
export function patient(send: Send, attempts = 5): Send {
  return async (request) => {
    if (!isRepeatable(request)) {
      return send(request);
    }
    const { answer } = await withRetries(async () => {
      const response = await send(request.clone());
      // The body can get lost, too.
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
