// The local copy of an earlier version of the page.

/** In the browser: stores what the page stored before todos had a priority, a due time and tags, with two unsent changes. */
export async function storeVersion1({ name, todos, since }) {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  await done(indexedDB.deleteDatabase(name));
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    for (const table of ["todos", "outbox"]) opening.result.createObjectStore(table, { keyPath: "id" });
    opening.result.createObjectStore("meta");
  };
  const db = await done(opening);
  const [created_at, queued_at] = [new Date(Date.now() + 60_000).toISOString(), 1];
  const unsent = { created_at, queued_at, sent: null, attempts: 0, refusal: null };
  const made = { title: "Made before", description: null, is_completed: false };
  const tx = db.transaction(["todos", "outbox", "meta"], "readwrite");
  for (const { priority, due, tags, ...before } of todos) tx.objectStore("todos").put(before);
  tx.objectStore("meta").put(since, "since");
  tx.objectStore("outbox").put({ ...unsent, id: todos[0].id, next: { kind: "edit", edit: { description: "Before" } } });
  tx.objectStore("outbox").put({ ...unsent, id: crypto.randomUUID(), next: { kind: "create", fields: made } });
  await new Promise((resolve) => { tx.oncomplete = resolve; });
  db.close();
}
