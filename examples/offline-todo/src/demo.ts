/** The page: shows the local copy, and writes what the user does to it. It never waits for the network. */

import { connect, type Priority } from "./api.js";
import { DEFAULTS } from "./change.js";
import { dueOf, inputsOf, isOverdue, isToday } from "./due.js";
import { Store, type Item } from "./store.js";
import { Sync, type State } from "./sync.js";
import { hasTag, tagsOf, unique } from "./tags.js";

/** What the tabs of a user tell each other: the local copy has changed, or there is something to say. */
type Message = { kind: "changed"; isEdit: boolean; state: State | null } | { kind: "notice"; text: string };

/** In milliseconds. How long a removal can be undone, and a notice is shown. */
const SHOWN = 30_000;

/** In milliseconds. How often to look what is overdue by now. */
const MINUTE = 60_000;

const PRIORITIES = ["low", "medium", "high"] satisfies Priority[];

const users = element("user", HTMLSelectElement);
const stateText = element("state", HTMLElement);
const newTodo = element("new", HTMLFormElement);
const title = element("title", HTMLInputElement);
const filters = element("filters", HTMLFormElement);
const dueFilter = element("due", HTMLSelectElement);
const tagFilter = element("tag", HTMLSelectElement);
const undo = element("undo", HTMLElement);
const notices = element("notices", HTMLElement);
const list = element("todos", HTMLElement);
const template = element("item", HTMLTemplateElement);

const user = new URLSearchParams(location.search).get("user") ?? users.value;
users.value = user;
users.addEventListener("change", () => location.assign(`?user=${users.value}`));

const tabs = new BroadcastChannel(`offline-todo-${user}`);
const tell = (message: Message) => tabs.postMessage(message);
const store = await Store.open(user, (text) => {
  notify(text);
  tell({ kind: "notice", text });
});
const sync = new Sync(store, { ...connect(location.origin, user), events: `${location.origin}/api/v1/todos/events` }, (state) => {
  tell({ kind: "changed", isEdit: false, state });
  void render(state);
});

tabs.addEventListener("message", ({ data: message }: MessageEvent<Message>) => {
  if (message.kind === "notice") {
    notify(message.text);
    return;
  }
  if (message.isEdit) {
    sync.wake();
  }
  void render(message.state);
});

/** After an edit: shows it, and has it sent, by this tab or the one that runs the sync loop. */
async function edited(edit: Promise<void>): Promise<void> {
  list.ariaBusy = String(++writing > 0);
  await edit;
  tell({ kind: "changed", isEdit: true, state: null });
  sync.wake();
  await render(null);
  list.ariaBusy = String(--writing > 0);
}
let writing = 0;

newTodo.addEventListener("submit", (event) => {
  event.preventDefault();
  if (title.value.trim() !== "") {
    // Shows everything: the new todo is not due, and has no tags.
    filters.reset();
    void edited(store.create({ ...DEFAULTS, title: title.value }));
    newTodo.reset();
  }
});

filters.addEventListener("change", () => void render(null));
setInterval(() => void render(null), MINUTE);

/** Whether the filters of the page let an item through. */
function passes({ due, tags, is_completed }: Item, now: Date): boolean {
  const isDue =
    dueFilter.value === "" ||
    (due !== null && (dueFilter.value === "today" ? isToday(due, now) : !is_completed && isOverdue(due, now)));
  return isDue && (tagFilter.value === "" || hasTag(tags, tagFilter.value));
}

/** Offers all tags that there are, and the one that is selected. */
function offerTags(items: Item[]): void {
  const selected = tagFilter.value;
  const tags = unique([...(selected === "" ? [] : [selected]), ...items.flatMap(({ tags }) => tags)]).sort();
  if (document.activeElement !== tagFilter && tags.join() !== [...tagFilter.options].slice(1).map(({ value }) => value).join()) {
    tagFilter.replaceChildren(new Option("any tags", ""), ...tags.map((tag) => new Option(tag)));
    tagFilter.value = selected;
  }
}

let removed: Item | null = null;
let hideUndo = 0;
function remove(item: Item): void {
  removed = item;
  child(undo, "span", HTMLElement).textContent = `Deleted “${item.title}”.`;
  undo.hidden = false;
  clearTimeout(hideUndo);
  hideUndo = setTimeout(() => (undo.hidden = true), SHOWN);
  void edited(store.remove(item));
}
child(undo, "button", HTMLButtonElement).addEventListener("click", () => {
  undo.hidden = true;
  if (removed !== null) {
    void edited(store.restore(removed));
  }
});

function notify(text: string): void {
  const notice = document.createElement("li");
  notice.textContent = text;
  notices.append(notice);
  setTimeout(() => notice.remove(), SHOWN);
}

// Shows the local copy. Of several calls at a time, the last is enough.
let lastState: State = "syncing";
let renders = 0;
async function render(state: State | null): Promise<void> {
  lastState = state ?? lastState;
  const own = ++renders;
  const items = await store.items();
  if (own !== renders) {
    return;
  }
  const now = new Date();
  offerTags(items);
  const unsent = items.filter(({ isUnsent }) => isUnsent).length;
  stateText.dataset["state"] = lastState;
  stateText.textContent = unsent === 0 ? lastState : `${lastState}, ${unsent} unsent`;
  const rows = new Map([...list.children].map((row) => [row.id, row]));
  const shown = items.filter((item) => passes(item, now)).map((item) => show(item, now, rows.get(item.id)));
  if (shown.some((row, index) => row !== list.children[index]) || shown.length !== rows.size) {
    const focused = document.activeElement;
    isMoving = true;
    list.replaceChildren(...shown);
    // Moving an element takes the focus away.
    if (focused instanceof HTMLElement && focused.isConnected) {
      focused.focus();
    }
    isMoving = false;
  }
}
let isMoving = false;

/** The row of an item: a new one, or the one that shows it already. */
function show(item: Item, now: Date, row: Element | undefined): Element {
  const shown = row ?? added(item.id);
  items.set(shown, item);
  shown.ariaLabel = item.title;
  child(shown, "[type=checkbox]", HTMLInputElement).checked = item.is_completed;
  setText(child(shown, ".title", HTMLInputElement), item.title);
  setText(child(shown, ".description", HTMLInputElement), item.description ?? "");
  setText(child(shown, ".priority", HTMLSelectElement), item.priority);
  const { date, time } = inputsOf(item.due);
  setText(child(shown, ".date", HTMLInputElement), date);
  setText(child(shown, ".time", HTMLInputElement), time);
  setText(child(shown, ".tags", HTMLInputElement), item.tags.join(", "));
  child(shown, ".mark", HTMLElement).textContent = item.refusal ?? (item.isUnsent ? "unsent" : "");
  shown.classList.toggle("completed", item.is_completed);
  shown.classList.toggle("overdue", item.due !== null && !item.is_completed && isOverdue(item.due, now));
  child(shown, ".date", HTMLInputElement).classList.toggle("none", date === "");
  child(shown, ".time", HTMLInputElement).classList.toggle("none", time === "");
  shown.setAttribute("data-priority", item.priority);
  return shown;
}

// What has changed while the user was in an input is shown when they leave it.
list.addEventListener("focusout", () => void render(null));

/** The items that the rows show. */
const items = new WeakMap<Element, Item>();

function added(id: string): Element {
  const row = document.createElement("li");
  row.id = id;
  row.append(...document.importNode(child(template.content, "li", HTMLElement), true).children);
  const on = (selector: string, event: string, act: (item: Item) => void) => {
    child(row, selector, HTMLElement).addEventListener(event, () => {
      const item = items.get(row);
      if (item !== undefined) {
        act(item);
      }
    });
  };
  const input = (selector: string) => child(row, selector, HTMLInputElement);
  on("[type=checkbox]", "change", (item) => void edited(store.edit(item, { is_completed: input("[type=checkbox]").checked })));
  on(".title", "change", (item) => void edited(store.edit(item, { title: input(".title").value })));
  on(".description", "change", (item) => void edited(store.edit(item, { description: input(".description").value })));
  on(".tags", "change", (item) => void edited(store.edit(item, { tags: tagsOf(input(".tags").value) })));
  on(".priority", "change", (item) => {
    const { value } = child(row, ".priority", HTMLSelectElement);
    void edited(store.edit(item, { priority: PRIORITIES.find((it) => it === value) ?? "medium" }));
  });
  // When the user leaves an input: until then, each digit makes another date. One that was not changed keeps its seconds.
  const setDue = (item: Item) => {
    const [inputs, before] = [{ date: input(".date").value, time: input(".time").value }, inputsOf(item.due)];
    const isWhole = !input(".date").validity.badInput && !input(".time").validity.badInput;
    if (!isMoving && isWhole && (inputs.date !== before.date || inputs.time !== before.time)) {
      void edited(store.edit(item, { due: dueOf(inputs) }));
    }
  };
  on(".date", "blur", setDue);
  on(".time", "blur", setDue);
  on("button", "click", remove);
  return row;
}

/** Does not touch what the user is typing. */
function setText(input: HTMLInputElement | HTMLSelectElement, text: string): void {
  if (input !== document.activeElement) {
    input.value = text;
  }
}

function element<T extends Element>(id: string, type: new () => T): T {
  return child(document, `#${id}`, type);
}

function child<T extends Element>(parent: ParentNode, selector: string, type: abstract new () => T): T {
  const found = parent.querySelector(selector);
  if (!(found instanceof type)) {
    throw new Error(`no ${selector}`);
  }
  return found;
}

// Start: what is here already is shown at once, also without a network.
await render("syncing");
void navigator.storage.persist();
if ("serviceWorker" in navigator) {
  void navigator.serviceWorker.register("sw.js");
}
await sync.run(`offline-todo-${user}`);
