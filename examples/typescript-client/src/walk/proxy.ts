/** A proxy in front of the server that loses requests and answers, as networks do. */

import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";

import { baseUrl } from "./calls.js";

/** What becomes of a request; `then` happens after the server has acted, before the client learns of anything. */
export interface Fate {
  lose: "request" | "answer" | "half of the answer" | "answer to a 503";
  then?: () => Promise<unknown>;
}

export class LosingProxy {
  /** What becomes of the next requests, one each; null lets one through, as are all after the last. */
  fates: (Fate | null)[] = [];
  /** The requests that have come so far. */
  requests: string[] = [];
  readonly #server = createServer((request, response) => this.#handle(request, response));

  /** Starts it on a port of its own, for as long as `use` runs. */
  static async during(use: (proxy: LosingProxy, url: string) => Promise<void>): Promise<void> {
    const proxy = new LosingProxy();
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    const address = proxy.#server.address();
    try {
      const port = typeof address === "object" ? address?.port : undefined;
      await use(proxy, `http://127.0.0.1:${port}`);
    } finally {
      proxy.#server.close();
      proxy.#server.closeAllConnections();
    }
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", headers } = request;
    this.requests.push(`${method} ${url}`);
    const fate = this.fates.shift() ?? null;
    if (fate?.lose === "request") {
      void this.#lose(fate, () => request.socket.destroy());
      return;
    }
    const forwarded = send(new URL(url, baseUrl), { method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const body = Buffer.concat(chunks);
        const status = answer.statusCode ?? 502;
        if (fate === null) {
          response.writeHead(status, answer.headers).end(body);
          return;
        }
        switch (fate.lose) {
          case "answer to a 503":
            void this.#lose(fate, () => response.writeHead(503, { "Retry-After": "0" }).end());
            break;
          case "half of the answer":
            response.writeHead(status, answer.headers);
            void this.#lose(fate, () => response.write(body.subarray(0, body.length / 2), () => request.socket.destroy()));
            break;
          default:
            void this.#lose(fate, () => request.socket.destroy());
        }
      });
    });
    forwarded.on("error", () => request.socket.destroy());
    request.pipe(forwarded);
  }

  async #lose(fate: Fate, lose: () => unknown): Promise<void> {
    await fate.then?.();
    lose();
  }
}
