/** The event stream, read by `fetch`: unlike an `EventSource`, it can send the headers that identify the user. */

import { Unavailable, type Send } from "./api.js";

/** In milliseconds. The server sends a comment every 20 s; if nothing comes for longer, the connection is dead. */
const SILENCE = 50_000;

/**
 * Yields `since` when the stream is open, and then the id of each `change`: the token of the change feed after it. Ends
 * when the server ends the stream.
 *
 * @throws what `send` throws, and the errors of the connection.
 */
export async function* changeEvents(send: Send, url: string, since: string): AsyncGenerator<string> {
  const silent = new AbortController();
  const headers = { Accept: "text/event-stream", "Last-Event-ID": since };
  let timer = setTimeout(() => silent.abort(), SILENCE);
  try {
    const response = await send(new Request(url, { headers, cache: "no-store", signal: silent.signal }));
    if (!response.ok || response.body === null) {
      throw new Unavailable(`status ${response.status}`);
    }
    yield since;
    let [id, isChange] = [since, false];
    for await (const line of lines(response.body)) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE);
      if (line === "" && isChange) {
        yield id;
      }
      // A blank line ends an event; a comment begins with a colon.
      isChange = line !== "" && (isChange || line === "event: change");
      id = line.startsWith("id: ") ? line.slice("id: ".length) : id;
    }
  } finally {
    clearTimeout(timer);
    // Also when the caller stops reading.
    silent.abort();
  }
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const [...whole] = (rest + decoder.decode(part.value, { stream: true })).split(/\r?\n/);
    rest = whole.pop() ?? "";
    yield* whole;
  }
}
