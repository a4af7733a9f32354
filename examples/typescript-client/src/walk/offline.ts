/** Offline changes take effect exactly once when the connection is back, through a proxy that loses responses. */

import assert from "node:assert/strict";

import { change, connect, type Problem, type Todo } from "../client.js";
import { Outbox, type Application, type Edit } from "../outbox.js";
import { alice, aliceId, body, del, get, list, post, problem, whole, type Steps } from "./calls.js";
import { LosingProxy } from "./proxy.js";

/** A `localStorage` that can be passed to another outbox. */
class Memory {
  readonly #items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }
}

/** An application that records its callbacks, and fails on unexpected ones. */
class Notes implements Application {
  readonly settledAs = new Map<string, { todo: Todo | null; refusal: Problem | null }>();
  merge(mine: Edit, current: Todo): Edit | null {
    assert.fail(`asked to merge ${JSON.stringify(mine)} with ${JSON.stringify(current)}`);
  }
  removeChanged(current: Todo): boolean {
    assert.fail(`asked whether to delete ${JSON.stringify(current)}`);
  }
  settled(id: string, todo: Todo | null, refusal: Problem | null): void {
    this.settledAs.set(id, { todo, refusal });
  }
}

const version = async (id: string) => body(await get(alice, id), 200).version;

export const offline: Steps = {
  async "an offline edit and delete of one todo do not conflict with each other"() {
    await LosingProxy.during(async (proxy, url) => {
      const seen = await post(alice, "Edited, then deleted");
      const outbox = new Outbox(new Notes(), new Memory());
      outbox.edit(seen, { title: "Edited" });
      outbox.edit(seen, { is_completed: true });
      outbox.remove(seen);
      proxy.fates = [{ lose: "answer" }];
      await outbox.flush(connect(url, aliceId));
      problem(await get(alice, seen.id), 404, "NOT_FOUND");
      assert.deepEqual(proxy.requests, Array(2).fill(`DELETE /api/v1/todos/${seen.id}`));
      assert.equal(outbox.size, 0);
    });
  },

  async "every offline change takes effect once, whatever gets lost"() {
    await LosingProxy.during(async (proxy, url) => {
      const edited = await post(alice, "Edited");
      const deleted = await post(alice, "Deleted");
      const [notes, memory] = [new Notes(), new Memory()];
      const outbox = new Outbox(notes, memory);
      outbox.edit(edited, { title: "Edited once" });
      outbox.edit(edited, { title: "Edited twice", description: "Offline" });
      outbox.edit(deleted, { is_completed: true });
      outbox.remove(deleted);
      const made = outbox.create(whole("Made"));
      outbox.edit(made, { is_completed: true });
      const unmade = outbox.create(whole("Made and deleted"));
      outbox.remove(unmade);
      assert.equal(outbox.size, 3);
      proxy.fates = [{ lose: "answer" }, null, { lose: "answer to a 503" }, null, { lose: "half of the answer" }, null];
      // The program is restarted; the storage has everything.
      await new Outbox(notes, memory).flush(connect(url, aliceId));
      assert.equal(proxy.requests.length, 6);
      const now = body(await get(alice, edited.id), 200);
      assert.deepEqual([now.title, now.description, now.version], ["Edited twice", "Offline", 2]);
      problem(await get(alice, deleted.id), 404, "NOT_FOUND");
      const [done, ...others] = (await list(alice, { id: [made, unmade] })).items;
      assert.deepEqual([done?.title, done?.is_completed, done?.version], ["Made", true, 1]);
      assert.deepEqual(others, []);
      assert.deepEqual([...notes.settledAs.keys()], [edited.id, deleted.id, made]);
      assert.ok([...notes.settledAs.values()].every(({ refusal }) => refusal === null));
    });
  },

  async "the step after a lost response is based on the lost step"() {
    await LosingProxy.during(async (proxy, url) => {
      const seen = await post(alice, "Water the plants");
      const memory = new Memory();
      const first = new Outbox(new Notes(), memory);
      const made = first.create(whole("Post the letter"));
      first.edit(seen, { title: "Water the cactus" });
      // The request was executed, but the connection stays broken until the client gives up.
      proxy.fates = Array(5).fill({ lose: "answer" });
      await assert.rejects(first.flush(connect(url, aliceId)));
      assert.deepEqual([await version(made), await version(seen.id)], [1, 1]);

      // Still offline, after a restart: an edit of a todo that may exist, and a delete after an edit.
      const second = new Outbox(new Notes(), memory);
      second.edit(made, { is_completed: true });
      second.edit(seen, { description: "Not too much" });
      proxy.fates = [null, { lose: "answer" }, null, ...Array(5).fill({ lose: "answer" })];
      await assert.rejects(second.flush(connect(url, aliceId)));
      assert.deepEqual([await version(made), await version(seen.id)], [2, 2]);
      assert.equal(second.size, 1);
      second.remove(seen);
      await new Outbox(new Notes(), memory).flush(connect(url, aliceId));
      problem(await get(alice, seen.id), 404, "NOT_FOUND");
      assert.equal(body(await get(alice, made), 200).is_completed, true);
    });
  },

  async "an edit during a flush is sent, too"() {
    await LosingProxy.during(async (proxy, url) => {
      const outbox = new Outbox(new Notes(), new Memory());
      const id = outbox.create(whole("Buy milk"));
      proxy.fates = [{ lose: "answer", then: async () => outbox.edit(id, { title: "Buy oat milk" }) }];
      await Promise.all([outbox.flush(connect(url, aliceId)), outbox.flush(connect(url, aliceId))]);
      const todo = body(await get(alice, id), 200);
      assert.deepEqual([todo.title, todo.version, proxy.requests.length], ["Buy oat milk", 2, 3]);
    });
  },

  async "others' changes are merged by field, and the user decides about conflicts"() {
    const seen = await post(alice, "Plan the party", "On Friday");
    const asked: unknown[] = [];
    const notes = new (class extends Notes {
      override merge(mine: Edit, current: Todo): Edit {
        asked.push(mine, current);
        return { description: `${mine.description}, or ${current.description}` };
      }
    })();
    const outbox = new Outbox(notes, new Memory());
    outbox.edit(seen, { title: "Plan the feast" });
    const renamed = await change(alice, seen, () => ({ is_completed: true }));
    await outbox.flush(alice);
    const merged = body(await get(alice, seen.id), 200);
    assert.deepEqual([merged.title, merged.is_completed, merged.version], ["Plan the feast", true, 3]);
    assert.deepEqual([renamed.version, asked], [2, []]);

    outbox.edit(merged, { description: "On Sunday" });
    const theirs = await change(alice, merged, () => ({ description: "On Saturday" }));
    await outbox.flush(alice);
    assert.deepEqual(asked, [{ description: "On Sunday" }, theirs]);
    assert.equal(body(await get(alice, seen.id), 200).description, "On Sunday, or On Saturday");
  },

  async "todos deleted elsewhere disappear, and changed ones are deleted only if the user agrees"() {
    const gone = await post(alice, "Gone");
    const [first, second] = [await post(alice, "Keep"), await post(alice, "Drop")];
    const notes = new (class extends Notes {
      override removeChanged(current: Todo): boolean {
        return current.title === "Dropped";
      }
    })();
    const outbox = new Outbox(notes, new Memory());
    outbox.edit(gone, { is_completed: true });
    outbox.remove(first);
    outbox.remove(second);
    body(await del(alice, gone.id), 204);
    const kept = await change(alice, first, () => ({ title: "Kept" }));
    await change(alice, second, () => ({ title: "Dropped" }));
    await outbox.flush(alice);
    assert.deepEqual(notes.settledAs.get(first.id), { todo: kept, refusal: null });
    assert.deepEqual(notes.settledAs.get(second.id), { todo: null, refusal: null });
    assert.equal(notes.settledAs.get(gone.id)?.refusal?.error_code, "NOT_FOUND");
    assert.deepEqual((await list(alice, { id: [gone.id, first.id, second.id] })).items, [kept]);
  },

  async "a rejected step is reported, and does not block the others"() {
    const notes = new Notes();
    const outbox = new Outbox(notes, new Memory());
    const blank = outbox.create(whole(" "));
    const good = outbox.create(whole("Good"));
    await outbox.flush(alice);
    assert.equal(notes.settledAs.get(blank)?.refusal?.error_code, "VALIDATION_ERROR");
    assert.equal(notes.settledAs.get(good)?.todo?.title, "Good");
    assert.equal(outbox.size, 0);
  },
};
