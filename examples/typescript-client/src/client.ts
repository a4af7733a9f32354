/** The API as a typed client: every path, parameter, body and answer is known from `docs/openapi.json`. */

import createClient, { type Client } from "openapi-fetch";

import { withRetries, type Send } from "./retry.js";
import type { components, operations, paths } from "./schema.js";

export type Todo = components["schemas"]["TodoRead"];
export type TodoPut = components["schemas"]["TodoPut"];
export type TodoUpdate = components["schemas"]["TodoUpdate"];
export type ListQuery = NonNullable<operations["listTodos"]["parameters"]["query"]>;
export type Conflict = components["schemas"]["PreconditionFailedResponse"];
export type Problem = components["schemas"]["ErrorResponse"] | Conflict;

export type Api = Client<paths>;

/** The fields of a todo that its owner sets. */
export type Field = "title" | "description" | "is_completed";
export const FIELDS: readonly Field[] = ["title", "description", "is_completed"];

/** The API for one user: every call is made on this user's behalf. */
export function connect(baseUrl: string, user: string, send: Send = fetch): Api {
  return createClient<paths>({ baseUrl, fetch: send, headers: { "X-User-ID": user } });
}

/** An answer that is an error. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(explain(problem));
  }
}

/**
 * A change whose answer got lost, on a todo that others have changed, too: whether it was made cannot be told from
 * `current`, the todo as it stands.
 */
export class OutcomeUnknown extends Error {
  constructor(
    readonly update: TodoUpdate,
    readonly current: Todo,
  ) {
    super("Somebody else has changed this todo, too. Please check it.");
  }
}

/** The ETag of a todo at hand. */
export function etag(todo: Todo): string {
  return `"${todo.version}"`;
}

/**
 * Creates a todo under an id of its own, however often that has to be sent, and gives it as it stands. It is made once
 * at most: the id is new, so whatever is there when a repeat is refused was made by an attempt before.
 */
export async function create(api: Api, todo: TodoPut): Promise<Todo> {
  const params = { path: { todo_id: crypto.randomUUID() }, header: { "If-None-Match": "*" } };
  const { answer } = await withRetries(() => api.PUT("/api/v1/todos/{todo_id}", { params, body: todo }));
  if (answer.data !== undefined) {
    return answer.data;
  }
  if ("current" in answer.error && answer.error.current !== null) {
    return answer.error.current;
  }
  throw new ApiError(answer.error);
}

/**
 * Changes a todo as it was last seen. Where somebody else was faster, `merge` is asked what the change is to be for
 * the todo as it stands now; null gives way to the other. Gives the todo as it stands in the end.
 *
 * A change whose answer got lost is not merged with itself.
 *
 * @throws OutcomeUnknown when the answer got lost and others have changed the same fields, so that it cannot be told
 * whether the change was made before theirs. If making it twice does no harm (`is_completed: true`, but not "append
 * this text"), call again with its `current`; else show that to the user.
 */
export async function change(api: Api, seen: Todo, merge: (current: Todo) => TodoUpdate | null): Promise<Todo> {
  for (let base = seen; ; ) {
    const body = merge(base);
    if (body === null) {
      return base;
    }
    const params = { path: { todo_id: base.id }, header: { "If-Match": etag(base) } };
    const { answer, isRepeat } = await withRetries(() => api.PATCH("/api/v1/todos/{todo_id}", { params, body }));
    if (answer.data !== undefined) {
      return answer.data;
    }
    // With a 412 comes the todo as it stands: no other call is needed to merge.
    if (!("current" in answer.error) || answer.error.current === null) {
      throw new ApiError(answer.error);
    }
    const { current } = answer.error;
    if (isRepeat) {
      if (has(current, body)) {
        return current;
      }
      // One change since then, and not this one: this one was not made, and with its If-Match never will be.
      if (current.version > base.version + 1) {
        throw new OutcomeUnknown(body, current);
      }
    }
    base = current;
  }
}

/** Whether a todo is as a change makes it. */
export function has(todo: Todo, update: TodoUpdate): boolean {
  return FIELDS.every((field) => update[field] === undefined || update[field] === todo[field]);
}

/** Deletes a todo, unless somebody has changed it since it was seen: then gives it as it stands, and else null. */
export async function remove(api: Api, seen: Todo): Promise<Todo | null> {
  const params = { path: { todo_id: seen.id }, header: { "If-Match": etag(seen) } };
  const { answer } = await withRetries(() => api.DELETE("/api/v1/todos/{todo_id}", { params }));
  // Gone is gone: by an attempt whose answer got lost, or by somebody else.
  if (answer.error === undefined || answer.error.error_code === "NOT_FOUND") {
    return null;
  }
  if ("current" in answer.error) {
    return answer.error.current;
  }
  throw new ApiError(answer.error);
}

/** All todos of a list, read page by page. */
export async function* pages(
  api: Api,
  limit: number,
  filter: Omit<ListQuery, "limit" | "cursor"> = {},
): AsyncGenerator<Todo[]> {
  let cursor: string | null = null;
  do {
    const query: ListQuery = cursor === null ? { ...filter, limit } : { ...filter, limit, cursor };
    const { data, error } = await api.GET("/api/v1/todos", { params: { query } });
    if (error !== undefined) {
      throw new ApiError(error);
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
