/**
 * An outbox for offline changes, which keeps them until the server has confirmed them.
 *
 * There is one entry per todo. Unsent changes are merged: two edits become one, an edit and a delete become the delete,
 * and a todo that is created and deleted is never sent. A step without a response does not change, and is repeated
 * first; the next step is based on the version in its response. So the steps of one user never conflict with each
 * other, and a 412 always means that someone else changed the todo.
 */

import { ApiError, etag, FIELDS, isSame, type Api, type Field, type Problem, type Todo, type TodoPut, type TodoUpdate } from "./client.js";
import { withRetries } from "./retry.js";

/** An edit sets fields to values, so that it is safe to repeat. */
export type Edit = Pick<TodoUpdate, Field>;

type Step = { kind: "create"; todo: TodoPut } | { kind: "edit"; edit: Edit } | { kind: "remove" };

interface Entry {
  id: string;
  /** The last state from the server; null while the server may not have the todo. */
  base: Todo | null;
  /** The step in flight, or one whose response got lost. */
  sent: Step | null;
  /** The step after that. */
  next: Step | null;
}

/** The callbacks of the outbox to the application. */
export interface Application {
  /** The same fields were edited here and elsewhere: returns the merged edit, or null to keep the other edit. */
  merge(mine: Edit, current: Todo): Promise<Edit | null> | Edit | null;
  /** Deleted here, changed elsewhere: returns whether to delete it anyway. */
  removeChanged(current: Todo): Promise<boolean> | boolean;
  /**
   * All steps of a todo have been sent: the final todo, null if it is deleted; and the error, if a step was rejected.
   */
  settled(id: string, todo: Todo | null, refusal: Problem | null): void;
}

export class Outbox {
  readonly #entries: Map<string, Entry>;
  #flush: Promise<void> | null = null;

  /** `storage` is `localStorage`, or similar. Only one outbox may use the same `key` at a time. */
  constructor(
    private readonly application: Application,
    private readonly storage: Pick<Storage, "getItem" | "setItem">,
    private readonly key = "outbox",
  ) {
    const entries: Entry[] = JSON.parse(storage.getItem(key) ?? "[]");
    this.#entries = new Map(entries.map((entry) => [entry.id, entry]));
  }

  /** The number of todos with unsent changes. */
  get size(): number {
    return this.#entries.size;
  }

  /** Creates a todo, and returns its id. */
  create(todo: TodoPut): string {
    const id = crypto.randomUUID();
    this.#entries.set(id, { id, base: null, sent: null, next: { kind: "create", todo } });
    this.#save();
    return id;
  }

  /** Edits a todo from the server, or one in the outbox, by its id. */
  edit(todo: Todo | string, edit: Edit): void {
    this.#add(todo, { kind: "edit", edit });
  }

  /** Deletes a todo from the server, or one in the outbox, by its id. */
  remove(todo: Todo | string): void {
    this.#add(todo, { kind: "remove" });
  }

  /**
   * Sends all steps. Call it when the connection is back, and again whenever it fails.
   *
   * @throws the error of `fetch` if the connection is lost again, or ApiError while the server is busy. No change is
   * lost.
   */
  flush(api: Api): Promise<void> {
    this.#flush ??= this.#flushAll(api).finally(() => (this.#flush = null));
    return this.#flush;
  }

  #add(todo: Todo | string, step: Step): void {
    const id = typeof todo === "string" ? todo : todo.id;
    const entry = this.#entries.get(id) ?? (typeof todo === "string" ? null : { id, base: todo, sent: null, next: null });
    if (entry === null || (entry.sent?.kind === "remove" && entry.next === null)) {
      throw new Error(`there is no todo ${id}`);
    }
    entry.next = collapse(entry.next, step);
    if (entry.next === null && entry.sent === null) {
      this.#entries.delete(id);
    } else {
      this.#entries.set(id, entry);
    }
    this.#save();
  }

  async #flushAll(api: Api): Promise<void> {
    for (const entry of this.#entries.values()) {
      let refusal: Problem | null = null;
      for (let step = entry.sent ?? entry.next; step !== null; step = entry.sent ?? entry.next) {
        if (entry.sent === null) {
          entry.sent = step;
          entry.next = null;
          // Stored before sending: if this program ends now, the step counts as sent.
          this.#save();
        }
        refusal = (await this.#send(api, entry, step)) ?? refusal;
        entry.sent = null;
        this.#save();
      }
      this.#entries.delete(entry.id);
      this.#save();
      this.application.settled(entry.id, entry.base, refusal);
    }
  }

  /** Sends a step until there is a response. Returns the error if the step is rejected. */
  async #send(api: Api, entry: Entry, step: Step): Promise<Problem | null> {
    const { answer } = await withRetries(() => call(api, entry, step));
    if (answer.error === undefined) {
      entry.base = answer.data ?? null;
      return null;
    }
    if ("current" in answer.error) {
      await this.#settle(entry, step, answer.error.current);
      return null;
    }
    if (answer.error.error_code === "NOT_FOUND") {
      // Deleted by someone else, or by an attempt whose response got lost.
      entry.base = null;
      entry.next = null;
      return step.kind === "remove" ? null : answer.error;
    }
    if (answer.error.status >= 500 || answer.error.status === 408) {
      throw new ApiError(answer.error);
    }
    if (step.kind === "create") {
      entry.next = null;
    }
    return answer.error;
  }

  /** Handles a 412: the todo already exists, or someone else has changed it. */
  async #settle(entry: Entry, step: Step, current: Todo | null): Promise<void> {
    const { base } = entry;
    if (current === null) {
      entry.next = null;
    } else if (step.kind === "remove" && (await this.application.removeChanged(current))) {
      entry.next = step;
    } else if (step.kind === "edit" && base !== null) {
      const edit = missing(step.edit, current);
      const isClash = FIELDS.some((field) => edit[field] !== undefined && !isSame(field, current[field], base[field]));
      const merged = isClash ? await this.application.merge(edit, current) : edit;
      if (merged !== null && FIELDS.some((field) => merged[field] !== undefined)) {
        const first: Step = { kind: "edit", edit: merged };
        entry.next = entry.next === null ? first : collapse(first, entry.next);
      }
    }
    // The todo to create exists: its id is new, so an attempt whose response got lost has created it.
    entry.base = current;
  }

  #save(): void {
    this.storage.setItem(this.key, JSON.stringify([...this.#entries.values()]));
  }
}

interface Answer {
  data?: Todo | undefined;
  error?: Problem | undefined;
  response: Response;
}

async function call(api: Api, { id, base }: Entry, step: Step): Promise<Answer> {
  const path = { todo_id: id };
  const header = base === null ? {} : { "If-Match": etag(base) };
  switch (step.kind) {
    case "create":
      return api.PUT("/api/v1/todos/{todo_id}", {
        params: { path, header: { "If-None-Match": "*" } },
        body: step.todo,
      });
    case "edit":
      return api.PATCH("/api/v1/todos/{todo_id}", { params: { path, header }, body: step.edit });
    case "remove":
      return api.DELETE("/api/v1/todos/{todo_id}", { params: { path, header } });
  }
}

/** Merges two unsent steps; null if they cancel out. */
function collapse(first: Step | null, second: Step): Step | null {
  if (first === null) {
    return second;
  }
  if (first.kind === "remove" || second.kind === "create") {
    throw new Error("this todo has been deleted");
  }
  if (second.kind === "remove") {
    return first.kind === "create" ? null : second;
  }
  return first.kind === "create"
    ? { kind: "create", todo: { ...first.todo, ...second.edit } }
    : { kind: "edit", edit: { ...first.edit, ...second.edit } };
}

/** The part of an edit that a todo does not contain yet. */
function missing(edit: Edit, todo: Todo): Edit {
  const rest = { ...edit };
  for (const field of FIELDS) {
    if (isSame(field, rest[field], todo[field])) {
      delete rest[field];
    }
  }
  return rest;
}
