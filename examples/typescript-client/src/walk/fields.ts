/** Priority, due time and tags. */

import assert from "node:assert/strict";

import { change, explain, has, type Api, type TodoPut, type TodosUpdate } from "../client.js";
import { dueToday, inUtc, overdue, withOffset } from "../due.js";
import { alice, bob, body, clear, list, post, problem, put, stats, whole, type Steps } from "./calls.js";

const titles = async (...query: Parameters<typeof list>) => (await list(...query)).items.map(({ title }) => title);

/** Puts a todo with a new id. */
async function putNew(api: Api, todo: TodoPut) {
  return body(await put(api, crypto.randomUUID(), todo), 201);
}

/** Runs as if this machine were in that time zone. */
async function inZone(zone: string, run: () => Promise<void>): Promise<void> {
  const before = process.env["TZ"];
  process.env["TZ"] = zone;
  try {
    await run();
  } finally {
    if (before === undefined) {
      delete process.env["TZ"];
    } else {
      process.env["TZ"] = before;
    }
  }
}

/** When the day of `now` begins and ends; in New York, an hour of it is missing. */
const now = new Date("2026-03-08T12:00:00Z");
const days = {
  "Pacific/Kiritimati": { today: "2026-03-09", start: "2026-03-08T10:00:00Z", end: "2026-03-09T10:00:00Z" },
  "Asia/Kathmandu": { today: "2026-03-08", start: "2026-03-07T18:15:00Z", end: "2026-03-08T18:15:00Z" },
  "America/New_York": { today: "2026-03-08", start: "2026-03-08T05:00:00Z", end: "2026-03-09T04:00:00Z" },
};

const shifted = (text: string, milliseconds: number) => new Date(Date.parse(text) + milliseconds).toISOString();
const day = 86_400_000;

export const fields: Steps = {
  async "a date comes back as it is, an instant in UTC"() {
    const plain = await post(alice, "Nothing said");
    assert.deepEqual([plain.priority, plain.due, plain.tags], ["medium", null, []]);
    const update = { priority: "high", due: "2026-03-01T09:00:00.5+05:45", tags: ["Home", "At work"] } satisfies Partial<TodoPut>;
    const changed = await change(alice, plain, () => update);
    assert.deepEqual([changed.due, changed.tags], ["2026-03-01T03:15:00.500000Z", ["Home", "At work"]]);
    assert.equal(inUtc(update.due), changed.due);
    // What is the same to the server is no change.
    assert.ok(has(changed, update));
    assert.deepEqual(await change(alice, changed, () => update), changed);
    assert.equal((await change(alice, changed, () => ({ due: "2026-03-01" }))).due, "2026-03-01");
  },

  async "a client that does not know these fields does not clear them"() {
    const todo = await putNew(alice, { ...whole("Known"), priority: "low", due: "2026-03-01", tags: ["home"] });
    const replaced = body(await put(alice, todo.id, whole("Known to others")), 200);
    assert.deepEqual([replaced.priority, replaced.due, replaced.tags], ["low", "2026-03-01", ["home"]]);
    await clear(alice);
  },

  async "what is due today and what is overdue depends on the zone of the user"() {
    for (const [zone, { today, start, end }] of Object.entries(days)) {
      const dues = {
        yesterday: shifted(`${today}T00:00:00Z`, -day).slice(0, 10),
        today,
        tomorrow: shifted(`${today}T00:00:00Z`, day).slice(0, 10),
        "before it began": shifted(start, -1).replace("Z", "999Z"),
        "at its start": start,
        "at its end": shifted(end, -1).replace("Z", "999Z"),
        "after its end": end,
      };
      for (const [title, due] of Object.entries(dues)) await putNew(alice, { ...whole(title), due });
      await inZone(zone, async () => {
        const isToday = ["today", "at its start", "at its end"];
        assert.deepEqual(new Set(await titles(alice, dueToday(now))), new Set(isToday), zone);
        const isOverdue = ["yesterday", "before it began", "at its start"];
        assert.deepEqual(new Set(await titles(alice, overdue(now))), new Set(isOverdue), zone);
        assert.equal((await stats(alice, { now: withOffset(now) })).overdue, isOverdue.length);
      });
      await clear(alice);
    }
  },

  async "a list is filtered by priority and tags, and sorted by due time and priority"() {
    await putNew(alice, { ...whole("Some day"), tags: ["Home", "garden"] });
    await putNew(alice, { ...whole("On Sunday"), priority: "high", due: "2026-03-01", tags: ["home"] });
    await putNew(alice, { ...whole("At nine"), priority: "low", due: "2026-03-01T09:00:00Z" });
    assert.deepEqual(await titles(alice, { sort: "due" }), ["At nine", "On Sunday", "Some day"]);
    assert.deepEqual(await titles(alice, { sort: "-due" }), ["On Sunday", "At nine", "Some day"]);
    assert.deepEqual(await titles(alice, { sort: "-priority" }), ["On Sunday", "Some day", "At nine"]);
    assert.deepEqual(await titles(alice, { tag: ["HOME"], sort: "title" }), ["On Sunday", "Some day"]);
    assert.deepEqual(await titles(alice, { tag: ["home", "garden"] }), ["Some day"]);
    assert.deepEqual(await titles(alice, { priority: ["low", "high"], sort: "title" }), ["At nine", "On Sunday"]);
    assert.deepEqual(await titles(alice, { has_due: false }), ["Some day"]);
    assert.deepEqual((await stats(alice, { tag: ["home"] })).by_priority, { low: 0, medium: 1, high: 1 });
    const rejected = await alice.GET("/api/v1/todos", { params: { query: { due_before: "tomorrow" } } });
    assert.match(explain(problem(rejected, 422, "VALIDATION_ERROR")), /^due_before must be a date/);
  },

  async "tags are listed, renamed and deleted in all todos"() {
    await putNew(bob, { ...whole("Bob's own"), tags: ["home"] });
    const tags = async () => body(await alice.GET("/api/v1/tags"), 200).items;
    assert.deepEqual(await tags(), [{ name: "garden", count: 1 }, { name: "Home", count: 2 }]);
    const rename = async (name: string, to: string) =>
      body(await alice.PATCH("/api/v1/tags/{name}", { params: { path: { name } }, body: { name: to } }), 200).affected;
    assert.equal(await rename("home", "Home & 100% garden/yard"), 2);
    assert.equal(await rename("garden", "home & 100% garden/yard"), 1);
    // "Some day" had both. Todos spell the tag differently; it is listed once.
    assert.deepEqual(await tags(), [{ name: "Home & 100% garden/yard", count: 2 }]);
    const params = { path: { name: "HOME & 100% GARDEN/YARD" } };
    assert.equal(body(await alice.DELETE("/api/v1/tags/{name}", { params }), 200).affected, 2);
    assert.deepEqual(await tags(), []);
    assert.deepEqual((await list(bob, { tag: ["home"] })).count, 1);
  },

  async "many todos get a priority, a due time and tags in one call"() {
    const update = async (changes: TodosUpdate) =>
      body(await alice.PATCH("/api/v1/todos", { params: { query: { has_due: true } }, body: changes }), 200).affected;
    assert.equal(await update({ priority: "high", add_tags: ["soon"] }), 2);
    assert.equal(await update({ due: null, remove_tags: ["SOON"] }), 2);
    assert.deepEqual((await stats(alice)).by_priority, { low: 0, medium: 1, high: 2 });
    assert.equal((await list(alice, { has_due: true })).count, 0);
    await clear(alice);
    await clear(bob);
  },
};
