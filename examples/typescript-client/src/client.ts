/** The API as a typed client: every path, parameter, body and answer is known from `docs/openapi.json`. */

import createClient, { type Client } from "openapi-fetch";

import type { components, operations, paths } from "./schema.js";

export type Todo = components["schemas"]["TodoRead"];
export type TodoPut = components["schemas"]["TodoPut"];
export type TodoUpdate = components["schemas"]["TodoUpdate"];
export type ListQuery = NonNullable<operations["listTodos"]["parameters"]["query"]>;
export type Conflict = components["schemas"]["PreconditionFailedResponse"];
export type Problem = components["schemas"]["ErrorResponse"] | Conflict;

export type Api = Client<paths>;
type Fetch = (request: Request) => Promise<Response>;

export function connect(baseUrl: string, send: Fetch = fetch): Api {
  return createClient<paths>({ baseUrl, fetch: send });
}

/**
 * Sends a request again when the server is busy (503) or the answer gets lost. Not a POST: that might make a second
 * todo. Whoever wants to repeat a creation puts the todo under an id of its own.
 */
export function patient(send: Fetch, attempts = 5): Fetch {
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= attempts || request.method === "POST";
      try {
        const response = await send(request.clone());
        if (response.status !== 503 || isLast) {
          return response;
        }
        const seconds = Number(response.headers.get("Retry-After") ?? 1);
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      } catch (lost) {
        if (isLast) {
          throw lost;
        }
      }
    }
  };
}

/** The ETag of a todo at hand. */
export function etag(todo: Todo): string {
  return `"${todo.version}"`;
}

/**
 * Changes a todo as it was last seen. Where somebody else was faster, `merge` is asked what the change is to be for
 * the todo as it stands now; null gives way to the other. Gives the todo as it stands in the end.
 */
export async function change(
  api: Api,
  user: string,
  seen: Todo,
  merge: (current: Todo) => TodoUpdate | null,
): Promise<Todo> {
  for (let current = seen; ; ) {
    const body = merge(current);
    if (body === null) {
      return current;
    }
    const { data, error } = await api.PATCH("/api/v1/todos/{todo_id}", {
      params: {
        path: { todo_id: current.id },
        header: { "X-User-ID": user, "If-Match": etag(current) },
      },
      body,
    });
    if (data !== undefined) {
      return data;
    }
    // With a 412 comes the todo as it stands: no other call is needed to merge.
    if (!("current" in error) || error.current === null) {
      throw new Error(explain(error));
    }
    current = error.current;
  }
}

/** All todos of a list, read page by page. */
export async function* pages(
  api: Api,
  user: string,
  limit: number,
  filter: Omit<ListQuery, "limit" | "cursor"> = {},
): AsyncGenerator<Todo[]> {
  let cursor: string | null = null;
  do {
    const query: ListQuery = cursor === null ? { ...filter, limit } : { ...filter, limit, cursor };
    const { data, error } = await api.GET("/api/v1/todos", {
      params: { query, header: { "X-User-ID": user } },
    });
    if (error !== undefined) {
      throw new Error(explain(error));
    }
    yield data.items;
    cursor = data.next_cursor;
  } while (cursor !== null);
}

/** What to tell the user. A new code in the API description fails to compile here until it is dealt with. */
export function explain(problem: Problem): string {
  switch (problem.error_code) {
    case "VALIDATION_ERROR":
      return problem.field_errors.map(({ field, message }) => `${field} ${message}`).join("; ") || problem.detail;
    case "NOT_FOUND":
      return "This todo has been deleted.";
    case "PRECONDITION_FAILED":
      return "Somebody else was faster.";
    case "SERVICE_UNAVAILABLE":
      return "The service is busy. Please try again.";
    case "MISSING_USER_CONTEXT":
    case "PAYLOAD_TOO_LARGE":
    case "UNSUPPORTED_MEDIA_TYPE":
    case "METHOD_NOT_ALLOWED":
    case "SERVER_ERROR":
      return `Something went wrong (${problem.request_id}).`;
  }
}
