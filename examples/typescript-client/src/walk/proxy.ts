/** A proxy in front of the server that loses requests and responses, like a network. */

import { once } from "node:events";
import { createServer, request as send, type IncomingMessage, type ServerResponse } from "node:http";

import { baseUrl } from "./calls.js";

/** A fault of one request; `then` runs after the request was executed, before the client notices. */
export interface Fate {
  lose: "request" | "answer" | "half of the answer" | "answer to a 503";
  then?: () => Promise<unknown>;
}

export class LosingProxy {
  /** The faults of the next requests, one each; null is no fault. Later requests have none. */
  fates: (Fate | null)[] = [];
  /** The requests so far. */
  requests: string[] = [];
  readonly #server = createServer((request, response) => this.#handle(request, response));

  /** Runs a proxy on a free port while `use` runs. */
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
