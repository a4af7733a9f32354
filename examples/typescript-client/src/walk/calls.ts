/** The clients of the walk, and assertions on responses. */

import assert from "node:assert/strict";

import { connect, explain, type Api, type Conflict, type ListQuery, type Problem, type StatsQuery, type Todo, type TodoPut } from "../client.js";
import { retrying } from "../retry.js";

export const baseUrl = process.env["BASE_URL"] ?? "http://127.0.0.1:8000";

/** The users of the walk, and the API for each. */
export const [aliceId, bobId] = [crypto.randomUUID(), crypto.randomUUID()];
export const alice = connect(baseUrl, aliceId, retrying(fetch));
export const bob = connect(baseUrl, bobId, retrying(fetch));

/** The steps of a walk, in order. */
export type Steps = Record<string, () => Promise<void>>;

/** Any result of a call. */
type Answer<T> = ({ data: T; error?: never } | { data?: never; error: Problem }) & { response: Response };

/** Expects a success with this status, and returns the body. */
export function body<T>(answer: Answer<T>, status: number): T {
  if (answer.error !== undefined) {
    assert.fail(`${answer.response.status} instead of ${status}: ${explain(answer.error)}`);
  }
  assert.equal(answer.response.status, status);
  return answer.data;
}

/** Expects an error with this status, and returns it. */
export function problem(answer: Answer<unknown>, status: number, code: Problem["error_code"]): Problem {
  assert.equal(answer.response.status, status);
  assert.ok(answer.error !== undefined);
  assert.equal(answer.error.error_code, code);
  assert.equal(answer.error.status, status);
  assert.equal(answer.response.headers.get("X-Request-ID"), answer.error.request_id);
  return answer.error;
}

/** Expects a 412, and returns the error with the current todo. */
export function conflictOf(answer: Answer<unknown>): Conflict {
  const error = problem(answer, 412, "PRECONDITION_FAILED");
  assert.ok("current" in error);
  return error;
}

/** A complete todo that is not completed. */
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

export async function stats(api: Api, query: StatsQuery = {}) {
  return body(await api.GET("/api/v1/todos/stats", { params: { query } }), 200);
}

export async function clear(api: Api): Promise<number> {
  return body(await api.DELETE("/api/v1/todos", { params: { query: { all: true } } }), 200).affected;
}
