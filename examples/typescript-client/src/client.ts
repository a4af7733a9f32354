/** A typed client of the API. Every path, parameter, body and response has its type from `docs/openapi.json`. */

import createClient, { type Client } from "openapi-fetch";

import { inUtc } from "./due.js";
import { withRetries, type Send } from "./retry.js";
import type { components, operations, paths } from "./schema.js";

export type Todo = components["schemas"]["TodoRead"];
export type TodoPut = components["schemas"]["TodoPut"];
export type TodoUpdate = components["schemas"]["TodoUpdate"];
export type TodosUpdate = components["schemas"]["TodosUpdate"];
export type ListQuery = NonNullable<operations["listTodos"]["parameters"]["query"]>;
export type StatsQuery = NonNullable<operations["todoStats"]["parameters"]["query"]>;
export type Conflict = components["schemas"]["PreconditionFailedResponse"];
export type Problem = components["schemas"]["ErrorResponse"] | Conflict;

export type Api = Client<paths>;

/** The fields of a todo that its owner sets. */
export type Field = "title" | "description" | "is_completed" | "priority" | "due" | "tags";
export const FIELDS: readonly Field[] = ["title", "description", "is_completed", "priority", "due", "tags"];

/** The API on behalf of one user, on a server that identifies callers by header; see `token.ts` for tokens. */
export function connect(baseUrl: string, user: string, send: Send = fetch): Api {
  return createClient<paths>({ baseUrl, fetch: send, headers: { "X-User-ID": user } });
}

/** An error response. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(explain(problem));
  }
}

/**
 * The response to a change got lost, and others have changed the todo, too: `current`, the current todo, does not show
 * whether the change was carried out.
 */
export class OutcomeUnknown extends Error {
  constructor(
    readonly update: TodoUpdate,
    readonly current: Todo,
  ) {
    super("Somebody else has changed this todo, too. Please check it.");
  }
}

/** The ETag of a todo. */
export function etag(todo: Todo): string {
  return `"${todo.version}"`;
}

/**
 * Creates a todo with a new id, retries if necessary, and returns the todo. It is created at most once: the id is new,
 * so if a retry fails with 412, an earlier attempt has created the todo.
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
 * Changes a todo, based on the state that was last read. If someone else has changed it since, `merge` returns the
 * change for the current todo, or null to keep the other change. Returns the final todo.
 *
 * A change whose response got lost is not merged with itself.
 *
 * @throws OutcomeUnknown if the response got lost and others have changed the same fields, so that it is unknown
 * whether the change was carried out before theirs. If the change is safe to repeat (`is_completed: true`, but not
 * "append this text"), call again with `current`; otherwise show it to the user.
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
    // The 412 contains the current todo, so merging needs no other call.
    if (!("current" in answer.error) || answer.error.current === null) {
      throw new ApiError(answer.error);
    }
    const { current } = answer.error;
    if (isRepeat) {
      if (has(current, body)) {
        return current;
      }
      // Exactly one other change since then: this one was not carried out, and with its If-Match never will be.
      if (current.version > base.version + 1) {
        throw new OutcomeUnknown(body, current);
      }
    }
    base = current;
  }
}

/** Whether a todo already contains a change. */
export function has(todo: Todo, update: TodoUpdate): boolean {
  return FIELDS.every((field) => update[field] === undefined || isSame(field, update[field], todo[field]));
}

/** Whether two values of a field are the same to the server, which returns instants in UTC. */
export function isSame(field: Field, one: TodoUpdate[Field], other: TodoUpdate[Field]): boolean {
  if (field === "due" && typeof one === "string" && typeof other === "string") {
    return inUtc(one) === inUtc(other);
  }
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Deletes a todo, unless someone has changed it since it was read. Returns the current todo in that case, else null.
 */
export async function remove(api: Api, seen: Todo): Promise<Todo | null> {
  const params = { path: { todo_id: seen.id }, header: { "If-Match": etag(seen) } };
  const { answer } = await withRetries(() => api.DELETE("/api/v1/todos/{todo_id}", { params }));
  // Deleted by an attempt whose response got lost, or by someone else.
  if (answer.error === undefined || answer.error.error_code === "NOT_FOUND") {
    return null;
  }
  if ("current" in answer.error) {
    return answer.error.current;
  }
  throw new ApiError(answer.error);
}

/** Iterates over all todos of a list, page by page. */
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

/** A message for the user. A new code in the API description does not compile here until it is handled. */
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
    case "MISSING_TOKEN":
    case "TOKEN_EXPIRED":
    case "INVALID_TOKEN":
      return "Please log in again.";
    case "TOO_MANY_REQUESTS":
    case "TOO_MANY_STREAMS":
      return "That was too fast. Please wait a moment, and try again.";
    case "QUOTA_EXCEEDED":
      return "There is no room for more todos. Please delete some.";
    case "SYNC_TOKEN_EXPIRED":
      return "Everything has to be loaded again.";
    case "MISSING_USER_CONTEXT":
    case "PAYLOAD_TOO_LARGE":
    case "UNSUPPORTED_MEDIA_TYPE":
    case "METHOD_NOT_ALLOWED":
    case "SERVER_ERROR":
      return `Something went wrong (${problem.request_id}).`;
  }
}
