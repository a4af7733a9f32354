/** Calls the server at BASE_URL with both clients, and checks their results. Deletes the todos that it creates. */

import assert from "node:assert/strict";

import { MutationObserver, QueryClient } from "@tanstack/react-query";

import { deleteTodo, deleteTodos, listTodos, updateTodo } from "../generated/hey-api/sdk.gen.js";
import { zPreconditionFailedResponse, zTodoCreateWritable, zTodoList, zTodoRead, zTodoUpdateWritable } from "../generated/hey-api/zod.gen.js";
import type { TodoUpdateWritable } from "../generated/hey-api/types.gen.js";
import { getListTodosQueryOptions, getUpdateTodoMutationOptions } from "../generated/orval/todos.js";
import * as heyApi from "./hey-api.js";
import * as orval from "./orval-fetch.js";

const baseUrl = process.env["BASE_URL"] ?? "http://127.0.0.1:8000";
const userId = crypto.randomUUID();
heyApi.connect(baseUrl, userId);
orval.connect(baseUrl, userId);

try {
  const todo = await heyApi.create("Buy groceries");
  assert.deepEqual(zTodoRead.strict().parse(todo), todo);
  assert.equal(todo.user_id, userId);
  // 255 characters, but 510 UTF-16 code units.
  const long = await heyApi.create("🥕".repeat(255));
  assert.deepEqual(zTodoRead.parse(long), long);
  for (const due of ["2026-03-01", "2026-03-01T09:00:00+01:00"]) {
    const body = { priority: "high", due, tags: ["Home"] } satisfies TodoUpdateWritable;
    assert.ok(zTodoUpdateWritable.parse(body));
    const { data } = await updateTodo({ path: { todo_id: long.id }, body });
    assert.deepEqual(zTodoRead.strict().parse(data), data);
  }
  const { data } = await listTodos();
  assert.deepEqual(zTodoList.strict().parse(data), data);
  assert.throws(() => zTodoCreateWritable.parse({ title: " " }));
  assert.throws(() => zTodoCreateWritable.parse({ title: "a\0" }));
  assert.equal(zTodoCreateWritable.parse({ title: "a\u2028b\nc" }).title, "a\u2028b\nc");

  const renamed = await heyApi.rename(todo, "Buy flowers");
  assert.equal(renamed?.title, "Buy flowers");
  assert.deepEqual(await heyApi.rename(todo, "Buy nothing"), renamed);
  const { error } = await updateTodo({
    path: { todo_id: todo.id },
    headers: { "If-Match": '"1"' },
    body: { title: "Buy nothing" },
  });
  assert.deepEqual(zPreconditionFailedResponse.strict().parse(error).current, renamed);
  const { error: refused } = await deleteTodo({ path: { todo_id: long.id } });
  assert.equal(refused, undefined);
  console.log("ok: hey-api with zod");

  const cache = new QueryClient();
  const list = await cache.fetchQuery(getListTodosQueryOptions({ limit: 10, is_completed: false }));
  assert.deepEqual(list.items, [renamed]);
  const options = getUpdateTodoMutationOptions();
  const update = new MutationObserver(cache, options);
  const change = { todoId: todo.id, data: { title: "Buy nothing" } };
  await assert.rejects(update.mutate({ ...change, headers: { "If-Match": '"1"' } }));
  const problem = update.getCurrentResult().error;
  assert.ok(problem !== null && "current" in problem);
  assert.deepEqual(problem.current, renamed);
  const changed = await update.mutate({ ...change, headers: { "If-Match": `"${problem.current?.version}"` } });
  assert.equal(changed.title, "Buy nothing");
  console.log("ok: orval with react-query");
} finally {
  await deleteTodos({ query: { all: true } });
}
