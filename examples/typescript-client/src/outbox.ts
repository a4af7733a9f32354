/**
 * What a user does offline, kept until the server has it.
 *
 * There is one entry a todo. What is not sent yet is collapsed: two edits become one, an edit and a delete become the
 * delete, a todo that is made and deleted is never sent. What was sent and not answered stays as it is, and is sent
 * again first; what comes after it is based on the version of its answer. So the steps of one user never conflict with
 * each other, and a 412 always means somebody else.
 */

import { ApiError, etag, FIELDS, type Api, type Field, type Problem, type Todo, type TodoPut, type TodoUpdate } from "./client.js";
import { withRetries } from "./retry.js";

/** An edit sets fields to values, so that it does no harm to make it twice. */
export type Edit = Pick<TodoUpdate, Field>;

type Step = { kind: "create"; todo: TodoPut } | { kind: "edit"; edit: Edit } | { kind: "remove" };

interface Entry {
  id: string;
  /** As the server last told of it; null while it may not have it. */
  base: Todo | null;
  /** Sent, perhaps; its answer is not known. */
  sent: Step | null;
  /** To be done after that. */
  next: Step | null;
}

/** What the outbox asks and tells the application. */
export interface Application {
  /** The same fields were edited here and elsewhere: what the edit is to be; null gives way to the other. */
  merge(mine: Edit, current: Todo): Promise<Edit | null> | Edit | null;
  /** Deleted here, changed elsewhere: whether to delete it all the same. */
  removeChanged(current: Todo): Promise<boolean> | boolean;
  /** All that was done to a todo has been sent: how it stands, null when it is deleted; and what was refused. */
  settled(id: string, todo: Todo | null, refusal: Problem | null): void;
}

export class Outbox {
  readonly #entries: Map<string, Entry>;
  #flush: Promise<void> | null = null;

  /** `storage` is `localStorage`, or something like it. Only one outbox may use the same `key` at a time. */
  constructor(
    private readonly application: Application,
    private readonly storage: Pick<Storage, "getItem" | "setItem">,
    private readonly key = "outbox",
  ) {
    const entries: Entry[] = JSON.parse(storage.getItem(key) ?? "[]");
    this.#entries = new Map(entries.map((entry) => [entry.id, entry]));
  }

  /** How many todos there are to be sent. */
  get size(): number {
    return this.#entries.size;
  }

  /** Makes a todo, and gives its id. */
  create(todo: TodoPut): string {
    const id = crypto.randomUUID();
    this.#entries.set(id, { id, base: null, sent: null, next: { kind: "create", todo } });
    this.#save();
    return id;
  }

  /** Edits a todo that came from the server, or one in the outbox, by its id. */
  edit(todo: Todo | string, edit: Edit): void {
    this.#add(todo, { kind: "edit", edit });
  }

  /** Deletes a todo that came from the server, or one in the outbox, by its id. */
  remove(todo: Todo | string): void {
    this.#add(todo, { kind: "remove" });
  }

  /**
   * Sends everything: when the connection is back, and again whenever it fails.
   *
   * @throws what `fetch` throws when the connection is lost again, or ApiError while the server is busy. Nothing is
   * lost by it.
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
          // Before it is sent: should this program end now, it counts as sent.
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

  /** Sends a step until it is answered, and gives what is wrong with it, if it is refused. */
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
      // Deleted: by somebody else, or by an attempt whose answer got lost.
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

  /** What a 412 means: the todo is there already, or somebody else has changed it. */
  async #settle(entry: Entry, step: Step, current: Todo | null): Promise<void> {
    const { base } = entry;
    if (current === null) {
      entry.next = null;
    } else if (step.kind === "remove" && (await this.application.removeChanged(current))) {
      entry.next = step;
    } else if (step.kind === "edit" && base !== null) {
      const edit = missing(step.edit, current);
      const isClash = FIELDS.some((field) => edit[field] !== undefined && current[field] !== base[field]);
      const merged = isClash ? await this.application.merge(edit, current) : edit;
      if (merged !== null && FIELDS.some((field) => merged[field] !== undefined)) {
        const first: Step = { kind: "edit", edit: merged };
        entry.next = entry.next === null ? first : collapse(first, entry.next);
      }
    }
    // A todo that was to be made is there: its id is its own, so an attempt whose answer got lost has made it.
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

/** Two steps that are not sent yet as one; null when nothing is left to do. */
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

/** What of an edit a todo does not have yet. */
function missing(edit: Edit, todo: Todo): Edit {
  const rest = { ...edit };
  for (const field of FIELDS) {
    if (rest[field] === todo[field]) {
      delete rest[field];
    }
  }
  return rest;
}
