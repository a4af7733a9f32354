/**
 * The local copy, in IndexedDB: what the server has (`todos`, with the token of the change feed in `meta`), and what is
 * yet to be sent (`outbox`). Each method is one transaction, so neither a crash nor another tab ever sees half of it.
 */

import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction } from "idb";

import type { Todo, Tombstone } from "./api.js";
import { confirmed, DEFAULTS, fieldsOf, rebaseOnDelete, rebaseOnEdit, refused, shown, wanting } from "./change.js";
import type { Change, Edit, Fields, Rebased, Step } from "./change.js";

interface Tables extends DBSchema {
  todos: { key: string; value: Todo };
  outbox: { key: string; value: Change };
  meta: { key: "since"; value: string };
}

type Names = ("todos" | "outbox" | "meta")[];
type Writing = IDBPTransaction<Tables, Names, "readwrite">;
type Upgrading = IDBPTransaction<Tables, Names, "versionchange">;

/** A todo as the user sees it. */
export interface Item extends Fields {
  id: string;
  created_at: string;
  isUnsent: boolean;
  refusal: string | null;
}

/** A step to send, and the todo that it is based on. */
export interface Job {
  id: string;
  step: Step;
  base: Todo | null;
}

/** What the server has of a todo after a step: the todo, null if it is deleted, or why the step was not carried out. */
export type Outcome =
  | { kind: "done"; todo: Todo | null }
  | { kind: "edited elsewhere"; current: Todo }
  | { kind: "deleted elsewhere" }
  | { kind: "refused"; why: string };

/** The version of the tables. 2: todos have a priority, a due time and tags. */
const VERSION = 2;

export class Store {
  private constructor(
    private readonly db: IDBPDatabase<Tables>,
    private readonly notify: (notice: string) => void,
  ) {}

  /** Opens the copy of a user. `notify` gets a text for the user when a change meets one that was made elsewhere. */
  static async open(user: string, notify: (notice: string) => void): Promise<Store> {
    const db = await openDB<Tables>(`offline-todo-${user}`, VERSION, {
      async upgrade(db, before, _, tx) {
        if (before === 0) {
          db.createObjectStore("todos", { keyPath: "id" });
          db.createObjectStore("outbox", { keyPath: "id" });
          db.createObjectStore("meta");
        } else {
          await upgrade(tx);
        }
      },
      // A newer version of the page is open in another tab, and waits to upgrade the database.
      blocking: () => location.reload(),
    });
    return new Store(db, notify);
  }

  /** All todos as the user sees them, newest first. */
  async items(): Promise<Item[]> {
    const tx = this.db.transaction(["todos", "outbox"]);
    const [todos, changes] = await Promise.all([tx.objectStore("todos").getAll(), tx.objectStore("outbox").getAll()]);
    const items = new Map<string, Item>(todos.map((todo) => [todo.id, { ...todo, isUnsent: false, refusal: null }]));
    for (const change of changes) {
      const { id, created_at, refusal } = change;
      const fields = shown(items.get(id) ?? null, change);
      if (fields === null) {
        items.delete(id);
      } else {
        items.set(id, { ...fields, id, created_at, isUnsent: true, refusal });
      }
    }
    return [...items.values()].sort((a, b) => compare(b.created_at, a.created_at) || compare(b.id, a.id));
  }

  // What the user does.

  create(fields: Fields): Promise<void> {
    return this.#want(crypto.randomUUID(), new Date().toISOString(), () => fields);
  }

  /** If the todo was deleted elsewhere at this moment, the edit brings it back. */
  edit(item: Item, edit: Edit): Promise<void> {
    return this.#want(item.id, item.created_at, (now) => ({ ...(now ?? fieldsOf(item)), ...edit }), true);
  }

  remove({ id, created_at }: Item): Promise<void> {
    return this.#want(id, created_at, () => null);
  }

  /** Undoes a removal. */
  restore(item: Item): Promise<void> {
    return this.#want(item.id, item.created_at, (now) => now ?? fieldsOf(item), true);
  }

  async #want(id: string, created_at: string, change: (fields: Fields | null) => Fields | null, isUndo = false): Promise<void> {
    // Strict: on the disk when it resolves, even if the power fails.
    const tx = this.db.transaction(["todos", "outbox"], "readwrite", { durability: "strict" });
    const [todos, outbox] = [tx.objectStore("todos"), tx.objectStore("outbox")];
    const base = (await todos.get(id)) ?? null;
    const old = (await outbox.get(id)) ?? empty(id, created_at);
    const changed = wanting(old, base, change(shown(base, old)), isUndo);
    await (changed === null ? outbox.delete(id) : outbox.put(changed));
    await tx.done;
  }

  // What the sync loop does. Only one tab runs it.

  /** The ids of the todos with something to send, in the order in which they were changed. */
  async pending(): Promise<string[]> {
    const changes = await this.db.getAll("outbox");
    return changes.filter(({ refusal }) => refusal === null).sort((a, b) => a.queued_at - b.queued_at).map(({ id }) => id);
  }

  /** The next step of a todo. It is noted as sent before it is: if the tab is closed now, it may or may not have arrived. */
  async begin(id: string): Promise<Job | null> {
    const tx = this.db.transaction(["todos", "outbox"], "readwrite");
    const change = await tx.objectStore("outbox").get(id);
    const base = (await tx.objectStore("todos").get(id)) ?? null;
    const step = change?.sent ?? change?.next ?? null;
    if (change === undefined || step === null || change.refusal !== null) {
      return null;
    }
    const next = change.sent === null ? null : change.next;
    await tx.objectStore("outbox").put({ ...change, sent: step, attempts: change.attempts + 1, next });
    await tx.done;
    return { id, step, base };
  }

  /** Notes what became of the step that was sent. */
  async settle({ id, base }: Job, outcome: Outcome): Promise<void> {
    const tx = this.db.transaction(["todos", "outbox"], "readwrite");
    const change = await tx.objectStore("outbox").get(id);
    if (change !== undefined) {
      switch (outcome.kind) {
        case "done":
          await set(tx, id, outcome.todo, confirmed(change));
          break;
        case "edited elsewhere":
          await this.#rebased(tx, change, base, outcome.current, rebaseOnEdit(change, base, outcome.current));
          break;
        case "deleted elsewhere":
          await this.#rebased(tx, change, base, null, rebaseOnDelete(change, base, null));
          break;
        case "refused":
          await this.#rebased(tx, change, base, base, refused(change, base, outcome.why));
      }
    }
    await tx.done;
  }

  /** The token of the change feed; undefined before the first sync. */
  since(): Promise<string | undefined> {
    return this.db.get("meta", "since");
  }

  /** Applies what has changed, together with the token after it: a page is applied once, or again as a whole. */
  async apply(items: Todo[], deleted: Tombstone[], since: string): Promise<void> {
    const tx = this.db.transaction(["todos", "outbox", "meta"], "readwrite");
    await Promise.all(items.map((todo) => this.#receive(tx, todo.id, todo, null)));
    await Promise.all(deleted.map((tombstone) => this.#receive(tx, tombstone.id, null, tombstone)));
    await tx.objectStore("meta").put(since, "since");
    await tx.done;
  }

  /** Replaces all todos. What is not named was deleted. Unsent changes stay. */
  async replace(all: Map<string, Todo>, since: string): Promise<void> {
    const tx = this.db.transaction(["todos", "outbox", "meta"], "readwrite");
    const gone = (await tx.objectStore("todos").getAllKeys()).filter((id) => !all.has(id));
    await Promise.all(gone.map((id) => this.#receive(tx, id, null, null)));
    await Promise.all([...all.values()].map((todo) => this.#receive(tx, todo.id, todo, null)));
    await tx.objectStore("meta").put(since, "since");
    await tx.done;
  }

  async #receive(tx: Writing, id: string, todo: Todo | null, tombstone: Tombstone | null): Promise<void> {
    const base = (await tx.objectStore("todos").get(id)) ?? null;
    const change = await tx.objectStore("outbox").get(id);
    if (change === undefined || base?.version === todo?.version) {
      await set(tx, id, todo, change ?? null);
    } else if (todo === null) {
      await this.#rebased(tx, change, base, null, rebaseOnDelete(change, base, tombstone));
    } else {
      await this.#rebased(tx, change, base, todo, rebaseOnEdit(change, base, todo));
    }
  }

  async #rebased(tx: Writing, old: Change, base: Todo | null, todo: Todo | null, { change, notice }: Rebased): Promise<void> {
    await set(tx, old.id, todo, change);
    if (notice !== null) {
      this.notify(`“${(shown(base, old) ?? todo ?? base)?.title ?? ""}” ${notice}.`);
    }
  }
}

/** Adds the fields that the version before did not have. Unsent changes stay. */
async function upgrade(tx: Upgrading): Promise<void> {
  for (let at = await tx.objectStore("todos").openCursor(); at !== null; at = await at.continue()) {
    await at.update({ ...DEFAULTS, ...at.value });
  }
  for (let at = await tx.objectStore("outbox").openCursor(); at !== null; at = await at.continue()) {
    const { sent, next } = at.value;
    await at.update({ ...at.value, sent: sent && withDefaults(sent), next: next && withDefaults(next) });
  }
  // The values are those of the server only after everything was read again.
  await tx.objectStore("meta").delete("since");
}

function withDefaults(step: Step): Step {
  return "fields" in step ? { ...step, fields: { ...DEFAULTS, ...step.fields } } : step;
}

/** Stores what the server has of a todo, and what is left to send. */
async function set(tx: Writing, id: string, todo: Todo | null, change: Change | null): Promise<void> {
  const [todos, outbox] = [tx.objectStore("todos"), tx.objectStore("outbox")];
  await Promise.all([
    todo === null ? todos.delete(id) : todos.put(todo),
    change === null ? outbox.delete(id) : outbox.put(change),
  ]);
}

function empty(id: string, created_at: string): Change {
  return { id, created_at, queued_at: Date.now(), sent: null, attempts: 0, next: null, refusal: null };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
