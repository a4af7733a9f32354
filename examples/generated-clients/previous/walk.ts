/**
 * A client of the release before, generated from its description, changes a todo that a client of this release made, on
 * the server at BASE_URL: nothing that it does not know is lost. It validates each response, too.
 */

import assert from "node:assert/strict";

import { client as newClient } from "../generated/hey-api/client.gen.js";
import { createTodo, deleteTodos, getTodo } from "../generated/hey-api/sdk.gen.js";
import { client as oldClient } from "../generated/previous/client.gen.js";
import * as old from "../generated/previous/sdk.gen.js";

const baseUrl = process.env["BASE_URL"] ?? "http://127.0.0.1:8000";
const auth = crypto.randomUUID();
newClient.setConfig({ baseUrl, auth, throwOnError: true });
oldClient.setConfig({ baseUrl, auth, throwOnError: true });

try {
  const { data: made } = await createTodo({
    body: { title: "New", description: "text", priority: "high", due: "2026-03-01", tags: ["Home", "urgent"] },
    throwOnError: true,
  });
  const path = { todo_id: made.id };
  const assertKept = async (changed: { title: string; description: string | null; is_completed: boolean }) => {
    const { data } = await getTodo({ path, throwOnError: true });
    const { version, updated_at, completed_at } = data;
    assert.deepEqual(data, { ...made, ...changed, version, updated_at, completed_at });
    assert.ok(version > made.version);
  };

  const three = { title: "Put", description: null, is_completed: false };
  await old.putTodo({ path, body: three, throwOnError: true });
  await assertKept(three);
  await old.updateTodo({ path, body: { title: "Patched" }, throwOnError: true });
  await assertKept({ ...three, title: "Patched" });
  await old.updateTodos({ query: { is_completed: false }, body: { is_completed: true }, throwOnError: true });
  await assertKept({ title: "Patched", description: null, is_completed: true });
  // As it came, with fields that its types do not have.
  const { data: seen } = await old.getTodo({ path, throwOnError: true });
  await old.putTodo({ path, body: { ...seen, title: "Sent back" }, throwOnError: true });
  await assertKept({ title: "Sent back", description: null, is_completed: true });
  const { data: list } = await old.listTodos({ query: { limit: 10 }, throwOnError: true });
  assert.deepEqual(list.items.map(({ id }) => id), [made.id]);
  const { data: changes } = await old.listChanges({ throwOnError: true });
  assert.equal(changes.items.length, 1);
  await old.deleteTodo({ path, throwOnError: true });
  console.log("ok: the client of the release before");
} finally {
  await deleteTodos({ query: { all: true } });
}
