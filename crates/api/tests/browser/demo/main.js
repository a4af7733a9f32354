// Tests examples/offline-todo as the sandbox serves it: each scenario with a new user, and two devices, each behind a
// proxy. At the end of each, both devices must show what the server has. TODO_API_BIN is the server's binary.

import assert from "node:assert/strict";

import { launch, TIMEOUT } from "../chromium.js";
import { Device } from "./device.js";
import { Sandbox } from "./sandbox.js";
import { scenarios } from "./scenarios.js";
import { storm } from "./storm.js";

const only = process.argv[2] ?? "";

/** Of the devices: the same day has not begun in one, and has ended in the other, at some hours. */
const ZONES = ["Pacific/Auckland", "America/Los_Angeles"];

const sandbox = await Sandbox.start();
const browser = await launch();
try {
  for (const [name, scenario] of Object.entries({ ...scenarios, ...storm })) {
    if (!name.includes(only)) continue;
    const user = crypto.randomUUID();
    const [a, b] = await Promise.all(ZONES.map((zone) => Device.open(browser, sandbox, user, zone)));
    try {
      await scenario({ a, b, sandbox, user, agree: () => agree([a, b], sandbox, user) });
      await agree([a, b], sandbox, user);
      console.log(`  ${name}`);
    } catch (error) {
      console.error(`${name}\nA: ${await a.describe()}\nB: ${await b.describe()}`);
      throw error;
    } finally {
      await Promise.all([a.close(), b.close()]);
    }
  }
} finally {
  await browser.close();
  await sandbox.stop();
}

/** Waits until both devices have sent everything and show what the server has, and returns that. */
async function agree(devices, sandbox, user) {
  const deadline = Date.now() + TIMEOUT;
  for (;;) {
    const todos = await sandbox.todos(user);
    const expected = devices.map((device) => device.expected(todos));
    const shown = await Promise.all(devices.map((device) => device.shown()));
    const states = await Promise.all(devices.map((device) => device.state()));
    const isEqual = JSON.stringify(shown) === JSON.stringify(expected);
    if (isEqual && states.every((state) => state === "synced")) return todos;
    if (Date.now() > deadline) {
      assert.deepEqual(shown, expected);
      assert.deepEqual(states, ["synced", "synced"]);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
