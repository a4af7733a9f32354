/** The client that hey-api generates, with zod, which also validates responses at run time. */

import { client } from "../generated/hey-api/client.gen.js";
import { createTodo, listTodos, updateTodo } from "../generated/hey-api/sdk.gen.js";
import type { ErrorResponse, PreconditionFailedResponse, TodoRead } from "../generated/hey-api/types.gen.js";

/** Sets the server and the user, for all calls. */
export function connect(baseUrl: string, userId: string): void {
  client.setConfig({ baseUrl, auth: userId });
}

/** The titles of the newest todos. */
export async function titles(limit: number): Promise<string[]> {
  const { data, error } = await listTodos({ query: { limit } });
  if (error !== undefined) {
    throw new Error(error.detail);
  }
  return data.items.map(({ title }) => title);
}

export async function create(title: string): Promise<TodoRead> {
  const { data, error } = await createTodo({ body: { title } });
  if (error !== undefined) {
    throw new Error(error.detail);
  }
  return data;
}

/**
 * Renames a todo. If someone else has changed it since it was read, returns the current todo; null if it was deleted.
 */
export async function rename(seen: TodoRead, title: string): Promise<TodoRead | null> {
  const { data, error } = await updateTodo({
    path: { todo_id: seen.id },
    headers: { "If-Match": `"${seen.version}"` },
    body: { title },
  });
  if (data !== undefined) {
    return data;
  }
  if (isConflict(error)) {
    return error.current;
  }
  throw new Error(error.detail);
}

function isConflict(error: ErrorResponse | PreconditionFailedResponse): error is PreconditionFailedResponse {
  return error.error_code === "PRECONDITION_FAILED";
}
