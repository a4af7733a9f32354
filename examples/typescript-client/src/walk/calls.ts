/** The calls of the walk, and what is expected of their answers. */

import assert from "node:assert/strict";

import { connect, explain, type Api, type Conflict, type ListQuery, type Problem, type Todo, type TodoPut } from "../client.js";
import { patient } from "../retry.js";

export const baseUrl = process.env["BASE_URL"] ?? "http://127.0.0.1:8000";

/** The users of the walk, and the API for each. */
export const [aliceId, bobId] = [crypto.randomUUID(), crypto.randomUUID()];
export const alice = connect(baseUrl, aliceId, patient(fetch));
export const bob = connect(baseUrl, bobId, patient(fetch));

/** What is walked through, in this order. */
export type Steps = Record<string, () => Promise<void>>;

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

/** A whole todo, not done yet. */
export const whole = (title: string, description: string | null = null) => ({ title, description, is_completed: false });

export async function post(api: Api, title: string, description: string | null = null): Promise<Todo> {
  return body(await api.POST("/api/v1/todos", { body: { title, description } }), 201);
}

export async function put(
  api: Api,
  id: string,
  todo: TodoPut,
  condition: { "If-Match"?: string; "If-None-Match"?: string } = {},
) {
  return api.PUT("/api/v1/todos/{todo_id}", { params: { path: { todo_id: id }, header: condition }, body: todo });
}

export async function get(api: Api, id: string, condition: { "If-None-Match"?: string } = {}) {
  return api.GET("/api/v1/todos/{todo_id}", { params: { path: { todo_id: id }, header: condition } });
}

export async function del(api: Api, id: string, condition: { "If-Match"?: string } = {}) {
  return api.DELETE("/api/v1/todos/{todo_id}", { params: { path: { todo_id: id }, header: condition } });
}

export async function list(api: Api, query: ListQuery = {}) {
  return body(await api.GET("/api/v1/todos", { params: { query } }), 200);
}

export async function stats(api: Api) {
  return body(await api.GET("/api/v1/todos/stats"), 200);
}

export async function clear(api: Api): Promise<number> {
  return body(await api.DELETE("/api/v1/todos", { params: { query: { all: true } } }), 200).affected;
}
