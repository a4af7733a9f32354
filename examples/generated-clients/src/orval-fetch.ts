/** How orval's functions make their calls: for which server, and on whose behalf. */

let baseUrl = "";
let userId = "";

/** Sets the server and the user, for all calls. */
export function connect(server: string, user: string): void {
  [baseUrl, userId] = [server, user];
}

/** Gives the body of an answer; throws that of an error, which then is the `error` of `useQuery` and `useMutation`. */
export async function orvalFetch<T>(path: string, options: RequestInit): Promise<T> {
  const headers = new Headers(options.headers);
  headers.set("X-User-ID", userId);
  const response = await fetch(`${baseUrl}${path}`, { ...options, headers });
  const body = response.status === 204 ? undefined : await response.json();
  if (!response.ok) {
    throw body;
  }
  return body;
}

/** The type of that `error`. */
export type ErrorType<Problem> = Problem;
