/**
 * The sync loop: send what is in the outbox, then get what has changed. One tab of a user runs it; the others hear of the
 * results through a `BroadcastChannel`, and take over when that tab is closed.
 */

import { Alarm, type Reason } from "./alarm.js";
import { explain, Unavailable, type Api, type Problem, type Send, type Todo } from "./api.js";
import { changeEvents } from "./events.js";
import type { Job, Outcome, Store } from "./store.js";

/** In milliseconds. How often to ask for changes while there is no event stream, and while there is one. */
const POLL = { alone: 5_000, streaming: 300_000 };

/** In milliseconds: the longest wait after the first failure, and after many. */
const BACKOFF = { first: 1_000, last: 60_000 };

/** In milliseconds. A server that asks for more is asked again after this. */
const MAX_RETRY_AFTER = 3_600_000;

/** The todos of one page of the feed. */
const PAGE = 500;

export type State = "syncing" | "synced" | "offline";

export interface Connection {
  api: Api;
  send: Send;
  /** The URL of the event stream. */
  events: string;
}

export class Sync {
  readonly #loop = new Alarm();
  readonly #stream = new Alarm();
  #listening: Promise<void> | null = null;
  #isStreaming = false;

  /** `report` is called whenever the local copy may have changed, and when the state does. */
  constructor(
    private readonly store: Store,
    private readonly server: Connection,
    private readonly report: (state: State) => void,
  ) {}

  /** Runs from when no other tab has the lock until this tab is closed. */
  async run(lock: string): Promise<void> {
    const ring = () => [this.#loop, this.#stream].forEach((alarm) => alarm.ring("network"));
    addEventListener("online", ring);
    document.addEventListener("visibilitychange", () => document.hidden || ring());
    await navigator.locks.request(lock, () => this.#run());
  }

  /** There is something to send, or to get. */
  wake(): void {
    this.#loop.ring("news");
  }

  async #run(): Promise<never> {
    for (let failures = 0; ; ) {
      this.#loop.reset();
      this.report("syncing");
      try {
        await this.#push();
        await this.#pull();
        this.report("synced");
        this.#listening ??= this.#listen();
        // A change that met one that was made elsewhere may have another step.
        const isDone = (await this.store.pending()).length === 0;
        failures = isDone ? 0 : failures + 1;
        const [again] = backoff(failures, null);
        await this.#loop.wait(!isDone ? again : this.#isStreaming ? POLL.streaming : POLL.alone, ["news", "network"]);
      } catch (error) {
        this.report("offline");
        await this.#loop.wait(...backoff(failures++, error));
      }
    }
  }

  /** Sends all steps of all todos. An error ends it; the step is repeated in the next round. */
  async #push(): Promise<void> {
    for (const id of await this.store.pending()) {
      for (let job = await this.store.begin(id); job !== null; job = await this.store.begin(id)) {
        const outcome = await this.#send(job);
        if (outcome === null) {
          break;
        }
        await this.store.settle(job, outcome);
        this.report("syncing");
      }
    }
  }

  /** Sends a step. Null: the todo was deleted elsewhere, and the change feed will tell at which version. */
  async #send({ id, step, base }: Job): Promise<Outcome | null> {
    const { api } = this.server;
    const path = { todo_id: id };
    const ifMatch = { path, header: { "If-Match": `"${base?.version ?? 0}"` } };
    const ifAbsent = { path, header: { "If-None-Match": "*" } };
    const url = "/api/v1/todos/{todo_id}";
    switch (step.kind) {
      case "create": {
        const { data, error } = await api.PUT(url, { params: ifAbsent, body: step.fields });
        return data === undefined ? failed(error) : done(data);
      }
      case "restore": {
        // If it is back already, by an earlier attempt or by others, then what they have edited since must not be lost.
        const first = await api.PUT(url, { params: ifAbsent, body: step.fields });
        if (first.data !== undefined) {
          return done(first.data);
        }
        if (!("current" in first.error) || first.error.current !== null) {
          return failed(first.error);
        }
        const { data, error } = await api.PUT(url, { params: { path }, body: step.fields });
        return data === undefined ? failed(error) : done(data);
      }
      case "edit": {
        const { data, error } = await api.PATCH(url, { params: ifMatch, body: step.edit });
        return data !== undefined ? done(data) : error.error_code === "NOT_FOUND" ? null : failed(error);
      }
      case "remove": {
        const { error } = await api.DELETE(url, { params: ifMatch });
        // Deleted by an earlier attempt, or by others.
        return error === undefined || error.error_code === "NOT_FOUND" ? done(null) : failed(error);
      }
    }
  }

  /** Gets what has changed since the last time, page by page. */
  async #pull(): Promise<void> {
    let since = await this.store.since();
    // The first sync, and one after a 410, gets everything.
    let all = since === undefined ? new Map<string, Todo>() : null;
    for (let hasMore = true; hasMore; ) {
      const query = since === undefined ? { limit: PAGE } : { limit: PAGE, since };
      const { data, error } = await this.server.api.GET("/api/v1/todos/changes", { params: { query } });
      if (data === undefined) {
        if (since === undefined) {
          throw new Unavailable(explain(error));
        }
        // The token has expired (410), or is not one of this server: start over.
        [since, all] = [undefined, new Map()];
        continue;
      }
      if (all === null) {
        await this.store.apply(data.items, data.deleted, data.next);
      } else {
        data.items.forEach((todo) => all?.set(todo.id, todo));
        data.deleted.forEach(({ id }) => all?.delete(id));
        if (!data.has_more) {
          await this.store.replace(all, data.next);
        }
      }
      [since, hasMore] = [data.next, data.has_more];
    }
  }

  /** Listens to the event stream. While there is none, the loop polls. */
  async #listen(): Promise<void> {
    const { send, events } = this.server;
    for (let failures = 0; ; ) {
      this.#stream.reset();
      let cause: unknown = null;
      try {
        const since = (await this.store.since()) ?? "";
        for await (const next of changeEvents(send, events, since)) {
          [failures, this.#isStreaming] = [0, true];
          if (next !== (await this.store.since())) {
            this.wake();
          }
        }
      } catch (error) {
        cause = error;
      }
      if (this.#isStreaming) {
        // From now on, poll.
        this.#isStreaming = false;
        this.wake();
      }
      await this.#stream.wait(...backoff(failures++, cause));
    }
  }
}

const done = (todo: Todo | null): Outcome => ({ kind: "done", todo });

function failed(problem: Problem): Outcome {
  if (!("current" in problem)) {
    return { kind: "refused", why: explain(problem) };
  }
  return problem.current === null ? { kind: "deleted elsewhere" } : { kind: "edited elsewhere", current: problem.current };
}

/**
 * How long to wait after a failure, and what may end the wait. Random, so that the clients of a server that was away do
 * not come back all at once; and if the server said how long, nothing ends it.
 */
function backoff(failures: number, error: unknown): [number, Reason[]] {
  if (error instanceof Unavailable && error.retryAfter !== null) {
    return [Math.min(error.retryAfter * 1_000, MAX_RETRY_AFTER) + Math.random() * BACKOFF.first, []];
  }
  const longest = Math.min(BACKOFF.first * 2 ** failures, BACKOFF.last);
  return [longest * (0.5 + Math.random() / 2), ["network"]];
}
