// A sandbox, which can be restarted: it has then forgotten everything.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export class Sandbox {
  #process;

  static async start() {
    const sandbox = new Sandbox();
    await sandbox.#start();
    return sandbox;
  }

  async restart() {
    await this.stop();
    await this.#start();
  }

  async stop() {
    const ended = once(this.#process, "exit");
    this.#process.kill();
    await ended;
  }

  /** The todos of a user, as the page lists them. */
  async todos(user) {
    return (await this.#get("/api/v1/todos", user)).items;
  }

  /** The token of the change feed after all changes of a user. */
  async token(user) {
    return (await this.#get("/api/v1/todos/changes", user)).next;
  }

  async #get(path, user) {
    const response = await fetch(`${this.url}${path}`, { headers: { "X-User-ID": user } });
    return response.json();
  }

  async #start() {
    const env = { ...process.env, HOST: "127.0.0.1", PORT: "0", LOG_FORMAT: "json", RUST_LOG: "info" };
    // Long, so that a slow machine does not cause 503s.
    env.DATABASE_TIMEOUT = "60s";
    this.#process = spawn(process.env.TODO_API_BIN, ["sandbox"], { env, stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface(this.#process.stdout)) {
      const address = /"address":"([^"]*)"/.exec(line);
      if (address) {
        this.url = address[1];
        // Nothing may block on a full pipe.
        this.#process.stdout.resume();
        return;
      }
    }
    throw new Error("the sandbox did not start");
  }
}
