/** Walks through the whole contract. Each step builds on the todos that the previous one has left. */

import assert from "node:assert/strict";

import { change, connect, etag, explain, pages, type Api, type ListQuery, type Problem, type Todo } from "../client.js";
import { retrying } from "../retry.js";
import {
  alice, aliceId, baseUrl, bob, bobId, body, conflictOf, del, get, list, post, problem, put, stats, whole, type Steps,
} from "./calls.js";

const titles = (todos: Todo[]) => todos.map(({ title }) => title);

export const contract: Steps = {
  async "the server is up and ready"() {
    assert.equal(body(await alice.GET("/health"), 200).status, "healthy");
    assert.equal(body(await alice.GET("/health/ready"), 200).status, "ready");
  },

  async "a todo is created and found"() {
    assert.deepEqual(await list(alice), { items: [], count: 0, next_cursor: null });
    const answer = await alice.POST("/api/v1/todos", { body: { title: "Buy groceries" } });
    const todo = body(answer, 201);
    assert.equal(answer.response.headers.get("Location"), `/api/v1/todos/${todo.id}`);
    assert.equal(answer.response.headers.get("ETag"), etag(todo));
    assert.equal(todo.description, null);
    assert.equal(todo.user_id, aliceId);
    assert.deepEqual(body(await get(alice, todo.id), 200), todo);
  },

  async "an unchanged todo is not sent again"() {
    const [todo] = (await list(alice)).items;
    assert.ok(todo !== undefined);
    const { response } = await get(alice, todo.id, { "If-None-Match": etag(todo) });
    assert.equal(response.status, 304);
  },

  async "a todo is put with a new id, and a repeat creates no duplicate"() {
    for (const title of ["Call mum", "Water the plants", "Éclairs for 100%"]) {
      const id = crypto.randomUUID();
      const made = body(await put(alice, id, whole(title)), 201);
      assert.deepEqual(body(await put(alice, id, whole(title)), 200), made);
    }
    assert.equal((await list(alice)).count, 4);
  },

  async "a put replaces a todo, or only creates it"() {
    const id = crypto.randomUUID();
    const todo = whole("Post the letter", "");
    assert.equal(body(await put(alice, id, todo, { "If-None-Match": "*" }), 201).description, "");
    const refused = conflictOf(await put(alice, id, todo, { "If-None-Match": "*" }));
    assert.equal(refused.current?.version, 1);
    const replaced = body(await put(alice, id, { ...todo, is_completed: true }, { "If-Match": '"1"' }), 200);
    assert.equal(replaced.version, 2);
    body(await del(alice, id), 204);
    const gone = conflictOf(await put(alice, id, todo, { "If-Match": '"2"' }));
    assert.equal(gone.current, null);
  },

  async "concurrent changes of a todo do not overwrite each other"() {
    const seen = await post(alice, "Plan the party");
    const others = await change(alice, seen, () => ({ description: "On Friday" }));
    assert.equal(others.version, 2);
    const stale = { params: { path: { todo_id: seen.id }, header: { "If-Match": etag(seen) } } };
    const conflict = await alice.PATCH("/api/v1/todos/{todo_id}", { ...stale, body: { description: "On Sunday" } });
    assert.deepEqual(conflictOf(conflict).current, others);
    assert.equal(conflict.response.headers.get("ETag"), etag(others));
    const asked: Todo[] = [];
    const merged = await change(alice, seen, (current) => {
      asked.push(current);
      return { description: current.description === null ? "With cake" : `${current.description}, with cake` };
    });
    assert.deepEqual(asked, [seen, others]);
    assert.equal(merged.description, "On Friday, with cake");
    assert.equal(merged.version, 3);
  },

  async "omitted fields stay, null clears, and the same value changes nothing"() {
    const todo = await post(alice, "Read", "Two chapters");
    const kept = await change(alice, todo, () => ({ title: "Read on" }));
    assert.equal(kept.description, "Two chapters");
    assert.deepEqual(await change(alice, kept, () => ({ title: "Read on" })), kept);
    assert.equal((await change(alice, kept, () => ({ description: null }))).description, null);
  },

  async "pages contain each todo once, in list order"() {
    const whole = await list(alice);
    assert.equal(whole.count, whole.items.length);
    const read: Todo[] = [];
    for await (const page of pages(alice, 2)) {
      assert.ok(page.length <= 2);
      read.push(...page);
    }
    assert.deepEqual(read, whole.items);
  },

  async "a cursor of another list is rejected"() {
    const first = await alice.GET("/api/v1/todos", { params: { query: { limit: 1 } } });
    const cursor = body(first, 200).next_cursor;
    assert.ok(cursor !== null);
    const link = first.response.headers.get("Link");
    assert.match(link ?? "", new RegExp(`cursor=${cursor}.*>; rel="next"$`));
    const other: ListQuery = { limit: 1, cursor, sort: "created_at" };
    const second = await alice.GET("/api/v1/todos", { params: { query: other } });
    const refused = problem(second, 422, "VALIDATION_ERROR");
    assert.deepEqual(refused.field_errors.map(({ field }) => field), ["cursor"]);
  },

  async "a search ignores case, and has no wildcards"() {
    assert.deepEqual(titles((await list(alice, { q: "éCLAIR" })).items), ["Éclairs for 100%"]);
    assert.deepEqual(titles((await list(alice, { q: "0%" })).items), ["Éclairs for 100%"]);
    assert.deepEqual(titles((await list(alice, { q: "FRIDAY" })).items), ["Plan the party"]);
    assert.deepEqual((await list(alice, { q: "_" })).items, []);
  },

  async "a list is filtered and sorted"() {
    const [todo] = (await list(alice, { q: "mum" })).items;
    assert.ok(todo !== undefined);
    const done = await change(alice, todo, () => ({ is_completed: true }));
    assert.deepEqual((await list(alice, { is_completed: true })).items, [done]);
    assert.deepEqual((await list(alice, { sort: "-updated_at" })).items[0], done);
    assert.equal(titles((await list(alice, { sort: "created_at" })).items)[0], "Buy groceries");
    const newest = (await list(alice)).items.map(({ id }) => id);
    assert.deepEqual((await list(alice, { sort: "created_at" })).items.map(({ id }) => id), newest.reverse());
  },

  async "the todos are counted"() {
    const { count } = await list(alice);
    const active = { active: count - 1, overdue: 0, by_priority: { low: 0, medium: count - 1, high: 0 } };
    assert.deepEqual(await stats(alice), { total: count, completed: 1, ...active });
  },

  async "all todos are completed in bulk, and the completed ones deleted"() {
    const kept = await post(bob, "Bob's own");
    const { count } = await list(alice);
    const completed = await alice.PATCH("/api/v1/todos", {
      params: { query: { is_completed: false } },
      body: { is_completed: true },
    });
    assert.equal(body(completed, 200).affected, count - 1);
    const refused = problem(await alice.DELETE("/api/v1/todos"), 422, "VALIDATION_ERROR");
    assert.deepEqual(refused.field_errors.map(({ field }) => field), ["all"]);
    const cleared = await alice.DELETE("/api/v1/todos", { params: { query: { is_completed: true } } });
    assert.equal(body(cleared, 200).affected, count);
    assert.equal((await stats(alice)).total, 0);
    assert.deepEqual((await list(bob)).items, [kept]);
  },

  async "users cannot see each other's todos"() {
    const todo = await post(alice, "Alice's own");
    const foreign = problem(await get(bob, todo.id), 404, "NOT_FOUND");
    const absent = problem(await get(bob, crypto.randomUUID()), 404, "NOT_FOUND");
    assert.deepEqual({ ...foreign, request_id: "" }, { ...absent, request_id: "" });
    problem(await del(bob, todo.id), 404, "NOT_FOUND");
    const twin = body(await put(bob, todo.id, { title: "Bob's", description: null, is_completed: true }), 201);
    assert.equal(twin.user_id, bobId);
    assert.deepEqual(body(await get(alice, todo.id), 200), todo);
  },

  async "every error code has a message for the user"() {
    const answer = (api: Api, title: string) => api.POST("/api/v1/todos", { body: { title } });
    const blank = problem(await answer(alice, " "), 422, "VALIDATION_ERROR");
    assert.equal(explain(blank), "title must contain at least one character that is not white space");
    problem(await answer(alice, "x".repeat(70_000)), 413, "PAYLOAD_TOO_LARGE");
    const fields = ({ field_errors }: Problem) => field_errors.map(({ field }) => field);
    const nobody = problem(await answer(connect(baseUrl, ""), "Whose?"), 400, "MISSING_USER_CONTEXT");
    assert.deepEqual(fields(nobody), ["X-User-ID"]);
    const noUuid = problem(await answer(connect(baseUrl, "me"), "Whose?"), 400, "VALIDATION_ERROR");
    assert.deepEqual(fields(noUuid), ["X-User-ID"]);
    const noTag = problem(await del(alice, crypto.randomUUID(), { "If-Match": "1" }), 400, "VALIDATION_ERROR");
    assert.deepEqual(fields(noTag), ["If-Match"]);
    assert.deepEqual(fields(problem(await get(alice, "1"), 400, "VALIDATION_ERROR")), ["todo_id"]);
    const tooMany = await alice.GET("/api/v1/todos", { params: { query: { limit: 201 } } });
    assert.equal(explain(problem(tooMany, 422, "VALIDATION_ERROR")), "limit must be a whole number from 1 to 200");
  },

  async "a client retries while the server is busy"() {
    let calls = 0;
    const busyAtFirst = async (request: Request) => {
      calls += 1;
      return calls === 1 ? new Response(null, { status: 503, headers: { "Retry-After": "0" } }) : fetch(request);
    };
    const answer = await connect(baseUrl, aliceId, retrying(busyAtFirst)).GET("/health");
    assert.equal(body(answer, 200).status, "healthy");
    assert.equal(calls, 2);
  },

  async "a todo is deleted, unless it has changed"() {
    const todo = await post(alice, "Throw away");
    const changed = await change(alice, todo, () => ({ title: "Keep" }));
    const refused = conflictOf(await del(alice, todo.id, { "If-Match": etag(todo) }));
    assert.deepEqual(refused.current, changed);
    body(await del(alice, todo.id, { "If-Match": etag(changed) }), 204);
    problem(await get(alice, todo.id), 404, "NOT_FOUND");
    problem(await del(alice, todo.id), 404, "NOT_FOUND");
  },
};
