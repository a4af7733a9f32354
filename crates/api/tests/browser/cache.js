// Two users share a browser and its cache. Each has a todo with the same client-generated id, at version 1.

import assert from "node:assert/strict";

export async function cache(page, baseUrl) {
  // The statuses that the server sent. Pages do not see a 304: they get the cached response.
  const statuses = [];
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.responseReceivedExtraInfo", ({ statusCode }) => statuses.push(statusCode));

  // A page of the same origin.
  await page.goto(`${baseUrl}/favicon.ico`);
  const call = (user, method, path, body) =>
    page.evaluate(
      async ({ user, method, path, body }) => {
        const headers = { "X-User-ID": user, "Content-Type": "application/json" };
        const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
        return response.json();
      },
      { user, method, path, body },
    );
  const [ann, ben] = [crypto.randomUUID(), crypto.randomUUID()];
  const todo = `/api/v1/todos/${crypto.randomUUID()}`;
  const text = (title) => ({ title, description: null, is_completed: false });
  const anns = await call(ann, "PUT", todo, text("Ann's"));
  const bens = await call(ben, "PUT", todo, text("Ben's"));
  assert.deepEqual([anns.version, bens.version], [1, 1]);

  // Make sure that the browser's cache is on.
  statuses.length = 0;
  for (let time = 0; time < 2; time += 1) assert.ok((await call(ann, "GET", "/openapi.json")).openapi);
  assert.deepEqual(statuses, [200, 304], "the browser's cache is off");

  for (const [user, own] of [[ann, anns], [ben, bens], [ben, bens], [ann, anns], [ben, bens]]) {
    assert.deepEqual(await call(user, "GET", todo), own, "another user's todo");
    const { items } = await call(user, "GET", "/api/v1/todos");
    assert.deepEqual(items, [own], "another user's list");
  }
  console.log("  each user sees their own todos");
}
