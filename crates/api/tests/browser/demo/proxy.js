// A proxy between a browser and the server, which is the origin of the page. It cuts, delays, and loses.

import { Agent, createServer, request as send } from "node:http";
import { once } from "node:events";

/**
 * What can become of a request: it never reaches the server; it is carried out, but there is no response, or half of one;
 * it is delayed, and so is its response; the server answers with this status, and does not carry it out.
 */
export const FAULTS = ["cut", "lose-answer", "half-answer", "delay", "status=503", "status=429"];

/** In milliseconds. */
const DELAY = 150;

export class Proxy {
  /** Every connection is refused. */
  isOffline = false;
  /** Called with the method and path of each request; returns a fault, "busy" for an hour, or nothing. */
  faultOf = () => undefined;
  /** The requests of the API with their responses: `{ method, path, status }`, where 0 means that there was none. */
  log = [];
  #agent = new Agent({ keepAlive: false });
  #server = createServer((request, response) => void this.#handle(request, response));

  /** `target` is called for the URL of the server, which may change. */
  static async start(target) {
    const proxy = new Proxy();
    proxy.target = target;
    proxy.#server.on("connection", (socket) => proxy.isOffline && socket.destroy());
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.url = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  /** Loses the network: also for the requests that are under way. */
  goOffline() {
    this.isOffline = true;
    this.#server.closeAllConnections();
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
  }

  async #handle(request, response) {
    const { method, url: path } = request;
    const isApi = path.startsWith("/api/");
    const fault = isApi ? this.faultOf(method, path) : undefined;
    const entry = { method, path, status: 0 };
    if (isApi) this.log.push(entry);
    if (this.isOffline || fault === "cut") return void request.socket.destroy();
    if (fault === "busy") return void response.writeHead(503, { "Retry-After": "3600" }).end();
    if (fault === "delay") await new Promise((resolve) => setTimeout(resolve, DELAY));
    const headers = fault?.startsWith("status=") ? { ...request.headers, "x-sandbox": fault } : request.headers;
    const forwarded = send(new URL(path, this.target()), { method, headers, agent: this.#agent }, async (answer) => {
      if (fault === "lose-answer") return void request.socket.destroy();
      if (fault === "delay") await new Promise((resolve) => setTimeout(resolve, DELAY));
      entry.status = answer.statusCode;
      response.writeHead(answer.statusCode, answer.headers);
      // So that the page sees the head of an event stream at once.
      response.flushHeaders();
      if (fault === "half-answer") {
        entry.status = 0;
        return void answer.once("data", (part) => {
          response.write(part.subarray(0, part.length / 2), () => request.socket.destroy());
        });
      }
      answer.pipe(response);
      answer.on("error", () => request.socket.destroy());
      answer.on("aborted", () => request.socket.destroy());
    });
    forwarded.on("error", () => request.socket.destroy());
    response.on("close", () => forwarded.destroy());
    request.pipe(forwarded);
  }
}
