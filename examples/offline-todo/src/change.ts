/**
 * What the user has changed, and the server has not confirmed: one `Change` per todo. Pure functions, without storage or
 * network.
 *
 * A change consists of at most two steps. `sent` may have reached the server; it is repeated as it is until there is a
 * response. `next` is all that the user did since: later edits are combined with it. What the user sees is the server's
 * todo with both steps applied.
 */

import type { Todo, Tombstone } from "./api.js";

/** The fields of a todo that its owner sets. */
export const FIELDS = ["title", "description", "is_completed", "priority", "due", "tags"] satisfies (keyof Todo)[];
export type Fields = Pick<Todo, (typeof FIELDS)[number]>;
export type Edit = Partial<Fields>;

/** A new todo. */
export const DEFAULTS: Omit<Fields, "title"> = { description: null, is_completed: false, priority: "medium", due: null, tags: [] };

export type Step =
  | { kind: "create"; fields: Fields }
  | { kind: "edit"; edit: Edit }
  | { kind: "remove" }
  /** Brings back a deleted todo with these fields. `edit`: those that the user has edited, too. */
  | { kind: "restore"; fields: Fields; edit: Edit };

export interface Change {
  id: string;
  /** The place of the todo in the list, and of the change in the outbox. */
  created_at: string;
  queued_at: number;
  sent: Step | null;
  /** How often `sent` was sent. If more than once, an earlier attempt may have been carried out. */
  attempts: number;
  next: Step | null;
  /** Why the server refused the change. It waits until the user edits the todo again. */
  refusal: string | null;
}

export function fieldsOf({ title, description, is_completed, priority, due, tags }: Fields): Fields {
  return { title, description, is_completed, priority, due, tags };
}

/** Whether two values of a field are the same: tags are a list. */
const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** The fields after a step; null if there is no todo. */
function after(fields: Fields | null, step: Step | null): Fields | null {
  switch (step?.kind) {
    case undefined:
      return fields;
    case "create":
    case "restore":
      return step.fields;
    case "remove":
      return null;
    case "edit":
      return fields && { ...fields, ...step.edit };
  }
}

/** What the user sees of a todo. */
export function shown(base: Fields | null, change: Change): Fields | null {
  return after(after(base && fieldsOf(base), change.sent), change.next);
}

/** The change after which the user sees `want`; null if nothing is left to send. */
export function wanting(change: Change, base: Todo | null, want: Fields | null, isUndo: boolean): Change | null {
  const before = after(base && fieldsOf(base), change.sent);
  const next = stepBetween(before, want, isUndo || change.sent !== null, change.next);
  return next === null && change.sent === null ? null : { ...change, next, refusal: null };
}

/** Combining edits is comparing states: an edit and its opposite, or a create and a delete, leave nothing. */
function stepBetween(before: Fields | null, want: Fields | null, wasOnServer: boolean, last: Step | null): Step | null {
  if (want === null) {
    return before === null ? null : { kind: "remove" };
  }
  if (before !== null) {
    const edit = pick(want, (field) => !isSame(want[field], before[field]));
    return isEmpty(edit) ? null : { kind: "edit", edit };
  }
  if (last?.kind === "restore") {
    const edit = pick(want, (field) => field in last.edit || !isSame(want[field], last.fields[field]));
    return { kind: "restore", fields: want, edit };
  }
  const isNew = last?.kind === "create" || !wasOnServer;
  return isNew ? { kind: "create", fields: want } : { kind: "restore", fields: want, edit: {} };
}

/** After the server has carried out `sent`; null if nothing is left to send. */
export function confirmed(change: Change): Change | null {
  return withNext(change, change.next);
}

function withNext(change: Change, next: Step | null): Change | null {
  return next && { ...change, sent: null, attempts: 0, next };
}

/** What is left of a change after others have changed or deleted the todo, and what to tell the user. */
export interface Rebased {
  change: Change | null;
  notice: string | null;
}

/** The server has refused `sent`: the change waits as a whole, unless the user has changed the todo again since. */
export function refused(change: Change, base: Todo | null, why: string): Rebased {
  const want = shown(base, change);
  if (want === null) {
    return { change: null, notice: `was not deleted: ${why}` };
  }
  const next = stepBetween(base && fieldsOf(base), want, change.sent?.kind === "restore", change.sent);
  return { change: withNext({ ...change, refusal: change.next === null ? why : null }, next), notice: null };
}

/*
 * The rules for conflicts:
 *
 * - Fields are merged one by one: what only one side has changed stays changed.
 * - Both sides have changed the same field: the one that reaches the server last wins. That is usually ours, since
 *   theirs is there already. But if an earlier attempt of ours may have arrived before theirs, theirs stays.
 * - One side has deleted the todo, and the other has edited it: the edit wins, and the todo is kept or comes back;
 *   unless the side that deleted it had seen the edit.
 */

/** Others have changed the todo: the server has `current` instead of `base`. */
export function rebaseOnEdit(change: Change, base: Todo | null, current: Todo): Rebased {
  const { sent, next, attempts } = change;
  if (shown(base, change) === null) {
    // Our own edit or create, whose response got lost, is not somebody else's.
    return isResult(current, base, sent)
      ? { change: withNext(change, { kind: "remove" }), notice: null }
      : { change: null, notice: "was edited elsewhere, so it was not deleted" };
  }
  // If there was exactly one change since, and it is not ours, no earlier attempt of ours was carried out; and because
  // of its If-Match, none will be.
  const mayHaveArrived = attempts > 1 && current.version !== (base?.version ?? 0) + 1;
  const [first, last] = [editOf(sent), editOf(next)];
  const isTheirs = (field: keyof Fields) =>
    mayHaveArrived && field in first && !isSame(current[field], first[field]) && !isSame(current[field], base?.[field]);
  const mine = { ...current, ...pick({ ...current, ...first }, (field) => !isTheirs(field)), ...last };
  const edit = pick(mine, (field) => !isSame(mine[field], current[field]));
  const lost = FIELDS.filter((field) => isTheirs(field) && !(field in last));
  return {
    change: withNext(change, isEmpty(edit) ? null : { kind: "edit", edit }),
    notice: lost.length === 0 ? null : `was edited elsewhere, too; kept their ${lost.join(", ")}`,
  };
}

/** Others have deleted the todo. `tombstone` is null if it is not known at which version. */
export function rebaseOnDelete(change: Change, base: Todo | null, tombstone: Tombstone | null): Rebased {
  const { sent, next, attempts } = change;
  const fields = shown(base, change);
  if (fields === null || next?.kind === "restore") {
    return { change: withNext(change, next?.kind === "restore" ? next : null), notice: null };
  }
  // A tombstone has the last version of the todo. If that is higher than what `sent` is based on, then the earlier
  // attempt has arrived, and they have deleted the todo with it.
  const isSeen = attempts > 1 && tombstone !== null && tombstone.version > (base?.version ?? 0);
  const edit = { ...(isSeen ? {} : editOf(sent)), ...editOf(next) };
  return isEmpty(edit)
    ? { change: null, notice: "was deleted elsewhere" }
    : { change: withNext(change, { kind: "restore", fields, edit }), notice: "was deleted elsewhere; your edit brought it back" };
}

/** The fields that the user has edited in a step. Those of a new todo are not edits: nobody has seen it yet. */
function editOf(step: Step | null): Edit {
  return step?.kind === "edit" || step?.kind === "restore" ? step.edit : {};
}

/** Whether `current` is `base` after `step`, without any other change. */
function isResult(current: Todo, base: Todo | null, step: Step | null): boolean {
  const result = step && after(base && fieldsOf(base), step);
  const isNext = current.version === (base?.version ?? 0) + 1;
  return isNext && result !== null && FIELDS.every((field) => isSame(result[field], current[field]));
}

function pick(fields: Fields, has: (field: keyof Fields) => boolean): Edit {
  return Object.fromEntries(FIELDS.filter(has).map((field) => [field, fields[field]]));
}

const isEmpty = (edit: Edit) => Object.keys(edit).length === 0;
