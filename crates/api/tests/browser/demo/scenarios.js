// What happens to two devices of one user, A and B.

import assert from "node:assert/strict";

import { storeVersion1 } from "./version1.js";

const titles = (todos) => todos.map(({ title }) => title);
const named = (todos, title) => todos.find((todo) => todo.title === title);

/** Loses the first response of each of these methods. */
function loseOnce(device, methods, fault) {
  const left = new Set(methods);
  device.proxy.faultOf = (method) => (left.delete(method) ? fault : undefined);
}

export const scenarios = {
  async "two devices edit offline, meet and agree"({ a, b, agree }) {
    for (const title of ["Plan the party", "Buy milk", "Call mum"]) await a.add(title);
    await agree();
    a.goOffline();
    b.goOffline();
    await a.edit("Plan the party", "title", "Plan the feast");
    await a.edit("Plan the feast", "date", "2026-03-01");
    await a.edit("Plan the feast", "tags", "Home, party, home");
    await a.edit("Buy milk", "title", "Buy oat milk");
    await a.edit("Buy oat milk", "tags", "shopping");
    await a.remove("Call mum");
    await a.add("Made on A");
    await b.edit("Plan the party", "description", "On Friday");
    await b.toggle("Plan the party");
    await b.prioritize("Plan the party", "high");
    await b.edit("Buy milk", "title", "Buy soy milk");
    await b.add("Made on B");
    await b.edit("Made on B", "title", "Made and edited on B");
    await b.add("Made and deleted on B");
    await b.remove("Made and deleted on B");

    // The page opens without a network, with all that was done.
    await a.page.reload();
    await a.row("Made on A").waitFor();
    assert.deepEqual(titles(await a.shown()), ["Made on A", "Buy oat milk", "Plan the feast"]);

    await a.goOnline();
    await a.page.locator("#state", { hasText: /^synced$/ }).waitFor();
    await b.goOnline();
    const todos = await agree();
    assert.deepEqual(new Set(titles(todos)), new Set(["Made and edited on B", "Made on A", "Buy soy milk", "Plan the feast"]));
    const plan = named(todos, "Plan the feast");
    assert.deepEqual([plan.description, plan.is_completed], ["On Friday", true]);
    assert.deepEqual([plan.priority, plan.due, plan.tags], ["high", "2026-03-01", ["Home", "party"]]);
    assert.deepEqual(named(todos, "Buy soy milk").tags, ["shopping"]);
    // Several edits are sent as one.
    assert.equal(named(todos, "Made and edited on B").version, 1);
    assert.deepEqual([plan.version, named(todos, "Buy soy milk").version], [3, 3]);
  },

  async "a date is the same day in every zone, and an instant the same moment"({ a, b, agree }) {
    for (const title of ["On a date", "At an instant"]) {
      await a.add(title);
      await a.edit(title, "date", "2026-03-01");
    }
    await a.edit("At an instant", "time", "09:00");
    const due = (todos) => todos.map((it) => it.due);
    assert.deepEqual(due(await agree()), ["2026-02-28T20:00:00.000000Z", "2026-03-01"]);
    await b.row("At an instant").locator(".date").focus();
    await b.row("At an instant").locator(".date").blur();
    await b.edit("On a date", "time", "12:00");
    await b.edit("At an instant", "time", "");
    assert.deepEqual(due(await agree()), ["2026-02-28", "2026-03-01T20:00:00.000000Z"]);
    await b.edit("At an instant", "date", "");
    assert.deepEqual(due(await agree()), [null, "2026-03-01T20:00:00.000000Z"]);
  },

  async "the filters show what is due today and overdue in the zone of the device, and what has a tag"({ a, b, agree }) {
    // The second of March on A, the first on B.
    const now = new Date("2026-03-01T12:00:00Z");
    for (const [title, due, tags] of [["First", "2026-03-01", "home"], ["Second", "2026-03-02", "Home, garden"], ["Third", "2026-03-03", ""]]) {
      await a.add(title);
      await a.edit(title, "date", due);
      await a.edit(title, "tags", tags);
    }
    await a.add("Done");
    await a.edit("Done", "date", "2026-02-28");
    await a.toggle("Done");
    await agree();
    for (const [device, today, overdue] of [[a, ["Second"], ["First"]], [b, ["First"], []]]) {
      await device.page.clock.setFixedTime(now);
      await device.filters("today", "", today);
      await device.filters("overdue", "", overdue);
      await device.filters("", "home", ["Second", "First"]);
      await device.filters("", "garden", ["Second"]);
      await device.filters("today", "home", today);
      await device.filters("", "", ["Done", "Third", "Second", "First"]);
    }
  },

  async "a lost response makes no duplicate and no conflict"({ a, b, agree }) {
    for (const [number, fault] of ["lose-answer", "half-answer"].entries()) {
      const title = `Post the letter ${number}`;
      loseOnce(a, ["PUT"], fault);
      await a.add(title);
      const [todo, ...others] = await agree();
      assert.deepEqual([todo.title, todo.version, others.length], [title, 1, 0]);
      loseOnce(a, ["PATCH"], fault);
      await a.toggle(title);
      // An edit while the outcome of the one before is unknown.
      await a.edit(title, "title", `${title}!`);
      const [edited] = await agree();
      assert.deepEqual([edited.title, edited.is_completed, edited.id], [`${title}!`, true, todo.id]);
      assert.ok(edited.version <= 3, `${edited.version}`);
      loseOnce(a, ["DELETE"], fault);
      await a.remove(`${title}!`);
      assert.deepEqual(await agree(), []);
    }
    assert.deepEqual(await Promise.all([a.notices(), b.notices()]), [[], []]);
  },

  async "an edit whose response got lost does not overwrite a later one"({ a, b, agree }) {
    await a.add("Water the plants");
    await agree();
    a.proxy.faultOf = (method) => (method === "PATCH" ? "lose-answer" : undefined);
    await a.edit("Water the plants", "title", "Water the cactus");
    await b.row("Water the cactus").waitFor();
    a.goOffline();
    await b.edit("Water the cactus", "title", "Water the cactus on Sunday");
    await b.page.locator("#state", { hasText: /^synced$/ }).waitFor();
    a.proxy.faultOf = () => undefined;
    await a.goOnline();
    assert.deepEqual(titles(await agree()), ["Water the cactus on Sunday"]);
    assert.deepEqual(await a.notices(), ["“Water the cactus” was edited elsewhere, too; kept their title."]);
  },

  async "a delete that has not seen an edit loses"({ a, b, agree }) {
    await a.add("Edited first");
    await a.add("Deleted first");
    const before = await agree();
    a.goOffline();
    b.goOffline();
    for (const [device, own] of [[a, "A"], [b, "B"]]) {
      const [edited, deleted] = own === "A" ? ["Edited first", "Deleted first"] : ["Deleted first", "Edited first"];
      await device.edit(edited, "description", `Edited on ${own}`);
      await device.remove(deleted);
    }
    // A edits one and deletes the other; then B, which did the opposite.
    await a.goOnline();
    await a.page.locator("#state", { hasText: /^synced$/ }).waitFor();
    await b.goOnline();
    const todos = await agree();
    assert.deepEqual(todos.map(({ id, created_at }) => [id, created_at]), before.map(({ id, created_at }) => [id, created_at]));
    assert.deepEqual(
      todos.map(({ title, description }) => [title, description]),
      [["Deleted first", "Edited on B"], ["Edited first", "Edited on A"]],
    );
    assert.deepEqual(new Set(await b.notices()), new Set([
      "“Edited first” was edited elsewhere, so it was not deleted.",
      "“Deleted first” was deleted elsewhere; your edit brought it back.",
    ]));
  },

  async "a delete that has seen an edit wins, even if the response to the edit got lost"({ a, b, agree }) {
    await a.add("Old news");
    await agree();
    b.proxy.faultOf = (method) => (method === "PATCH" ? "lose-answer" : undefined);
    await b.edit("Old news", "title", "Very old news");
    await a.row("Very old news").waitFor();
    b.goOffline();
    await a.remove("Very old news");
    await a.page.locator("#state", { hasText: /^synced$/ }).waitFor();
    b.proxy.faultOf = () => undefined;
    await b.goOnline();
    assert.deepEqual(await agree(), []);
    assert.deepEqual(await b.notices(), ["“Very old news” was deleted elsewhere."]);
  },

  async "a create whose response got lost does not bring back what was deleted"({ a, b, agree }) {
    a.proxy.faultOf = (method) => (method === "PUT" ? "lose-answer" : undefined);
    await a.add("Made once");
    await b.row("Made once").waitFor();
    a.goOffline();
    await b.remove("Made once");
    await b.page.locator("#state", { hasText: /^synced$/ }).waitFor();
    a.proxy.faultOf = () => undefined;
    await a.goOnline();
    assert.deepEqual(await agree(), []);
  },

  async "undo brings a todo back to its place, on every device"({ a, b, agree }) {
    for (const title of ["First", "Second", "Third"]) await a.add(title);
    const before = await agree();
    await a.remove("Second");
    assert.deepEqual(titles(await agree()), ["Third", "First"]);
    loseOnce(a, ["PUT"], "lose-answer");
    await a.undo("Second");
    const places = (todos) => todos.map(({ id, title, created_at }) => ({ id, title, created_at }));
    assert.deepEqual(places(await agree()), places(before));
  },

  async "a server that asks to wait is not asked, and what was undone by then is never sent"({ a, agree }) {
    await a.add("First");
    const before = await agree();
    a.proxy.faultOf = () => "busy";
    await a.goOnline();
    await a.page.locator("#state", { hasText: /^offline/ }).waitFor();
    const asked = a.count({ path: "/changes" });
    await a.remove("First");
    await a.undo("First");
    await a.add("Made and deleted");
    await a.remove("Made and deleted");
    await a.goOnline();
    assert.equal(a.count({ path: "/changes" }), asked);
    a.proxy.faultOf = () => undefined;
    await a.page.reload();
    assert.deepEqual(await agree(), before);
    assert.deepEqual([a.count({ method: "DELETE" }), a.count({ method: "PUT" })], [0, 1]);
  },

  async "after an expired token, a device starts over and keeps what was not sent"({ a, b, sandbox, agree }) {
    await a.add("Forgotten by the server");
    await a.add("Edited offline");
    await agree();
    b.goOffline();
    await b.edit("Edited offline", "description", "Not lost");
    await b.add("Made offline");
    // The tokens are of another feed now.
    await sandbox.restart();
    await a.goOnline();
    await b.goOnline();
    const todos = await agree();
    assert.deepEqual(new Set(titles(todos)), new Set(["Made offline", "Edited offline"]));
    assert.equal(named(todos, "Edited offline").description, "Not lost");
    assert.ok(a.count({ status: 410 }) > 0 && b.count({ status: 410 }) > 0);
  },

  async "a local copy of the version before is upgraded, and keeps what was not sent"({ a, b, user, sandbox, agree }) {
    for (const [title, tags] of [["Known", "home"], ["Edited", "garden"]]) {
      await b.add(title);
      await b.edit(title, "tags", tags);
    }
    const known = await agree();
    // Without the page, which has the database open.
    await a.page.goto(`${a.proxy.url}/health`);
    await a.page.evaluate(storeVersion1, { name: `offline-todo-${user}`, todos: known, since: await sandbox.token(user) });
    await a.page.goto(`${a.proxy.url}/demo?user=${user}`);
    const todos = await agree();
    assert.deepEqual(
      todos.map((todo) => [todo.title, todo.description, todo.tags]),
      [["Made before", null, []], ["Edited", "Before", ["garden"]], ["Known", null, ["home"]]],
    );
  },

  async "one tab of a device talks to the server, and another takes over"({ a, b, agree }) {
    const second = await a.tab();
    await a.add("From the second tab", second);
    await b.row("From the second tab").waitFor();
    await a.row("From the second tab").waitFor();
    assert.equal(a.count({ method: "PUT" }), 1);
    await a.page.close();
    a.page = second;
    await a.add("After the first was closed");
    assert.deepEqual(titles(await agree()), ["After the first was closed", "From the second tab"]);
  },

  async "what the server refuses waits for the user"({ a, agree }) {
    await a.add("x".repeat(255));
    a.proxy.faultOf = (method) => (method === "PATCH" ? "status=422" : undefined);
    const title = "x".repeat(255);
    await agree();
    await a.edit(title, "description", "Refused");
    await a.row(title).locator(".mark", { hasText: /^(?!unsent$|$)/ }).waitFor();
    const refused = a.count({ method: "PATCH" });
    await a.add("Not held up");
    await a.page.locator("#state", { hasText: /^synced, 1 unsent$/ }).waitFor();
    assert.equal(a.count({ method: "PATCH" }), refused);
    a.proxy.faultOf = () => undefined;
    await a.edit(title, "description", "Accepted");
    assert.equal(named(await agree(), title).description, "Accepted");
  },
};
