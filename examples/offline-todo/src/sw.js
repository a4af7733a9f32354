// The service worker: opens the page without a network, from the files of the last visit. The data is not its business.

const CACHE = "offline-todo";
const FILES = ["./", "demo.css", "demo.js"].map((file) => new URL(file, location.href).href);

/** In milliseconds. A network that takes longer counts as none. */
const PATIENCE = 3_000;

addEventListener("install", (event) => event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES))));

addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const file = origin + pathname;
  if (FILES.includes(file)) {
    event.respondWith(networkFirst(file));
  }
});

async function networkFirst(file) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(file, { signal: AbortSignal.timeout(PATIENCE) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    await cache.put(file, response.clone());
    return response;
  } catch (error) {
    const cached = await cache.match(file);
    if (cached === undefined) throw error;
    return cached;
  }
}
