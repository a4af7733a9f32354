/** The calls of the walk, and what is expected of their answers. */

import assert from "node:assert/strict";

import { connect, explain, patient, type Conflict, type ListQuery, type Problem, type Todo, type TodoPut } from "./client.js";

export const baseUrl = process.env["BASE_URL"] ?? "http://127.0.0.1:8000";
export const api = connect(baseUrl, patient(fetch));

/** What the API answers with, one way or the other. */
type Answer<T> = ({ data: T; error?: never } | { data?: never; error: Problem }) & { response: Response };

/** The body of an answer with this status. */
export function body<T>(answer: Answer<T>, status: number): T {
  if (answer.error !== undefined) {
    assert.fail(`${answer.response.status} instead of ${status}: ${explain(answer.error)}`);
  }
  assert.equal(answer.response.status, status);
  return answer.data;
}

/** The error of an answer with this status. */
export function problem(answer: Answer<unknown>, status: number, code: Problem["error_code"]): Problem {
  assert.equal(answer.response.status, status);
  assert.ok(answer.error !== undefined);
  assert.equal(answer.error.error_code, code);
  assert.equal(answer.error.status, status);
  assert.equal(answer.response.headers.get("X-Request-ID"), answer.error.request_id);
  return answer.error;
}

/** The error of an answer whose condition does not hold, with the todo as it stands. */
export function conflictOf(answer: Answer<unknown>): Conflict {
  const error = problem(answer, 412, "PRECONDITION_FAILED");
  assert.ok("current" in error);
  return error;
}

export const caller = (user: string) => ({ "X-User-ID": user });

export async function create(user: string, title: string, description: string | null = null): Promise<Todo> {
  return body(
    await api.POST("/api/v1/todos", { params: { header: caller(user) }, body: { title, description } }),
    201,
  );
}

export async function put(
  user: string,
  id: string,
  todo: TodoPut,
  condition: { "If-Match"?: string; "If-None-Match"?: string } = {},
) {
  return api.PUT("/api/v1/todos/{todo_id}", {
    params: { path: { todo_id: id }, header: { ...caller(user), ...condition } },
    body: todo,
  });
}

export async function get(user: string, id: string, condition: { "If-None-Match"?: string } = {}) {
  return api.GET("/api/v1/todos/{todo_id}", {
    params: { path: { todo_id: id }, header: { ...caller(user), ...condition } },
  });
}

export async function remove(user: string, id: string, condition: { "If-Match"?: string } = {}) {
  return api.DELETE("/api/v1/todos/{todo_id}", {
    params: { path: { todo_id: id }, header: { ...caller(user), ...condition } },
  });
}

export async function list(user: string, query: ListQuery = {}) {
  return body(await api.GET("/api/v1/todos", { params: { header: caller(user), query } }), 200);
}

export async function stats(user: string) {
  return body(await api.GET("/api/v1/todos/stats", { params: { header: caller(user) } }), 200);
}

export async function clear(user: string): Promise<number> {
  const query = { all: true };
  return body(await api.DELETE("/api/v1/todos", { params: { header: caller(user), query } }), 200).affected;
}
