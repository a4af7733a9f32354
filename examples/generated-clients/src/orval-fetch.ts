/** The fetch function of orval's functions, which sets the server and the user. */

let baseUrl = "";
let userId = "";

/** Sets the server and the user, for all calls. */
export function connect(server: string, user: string): void {
  [baseUrl, userId] = [server, user];
}

/**
 * Returns the body of a response; throws the body of an error, which becomes the `error` of `useQuery` and
 * `useMutation`.
 */
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
