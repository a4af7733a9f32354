// Random edits on both devices while their proxies do everything to the requests that a network can do.

import assert from "node:assert/strict";

import { TIMEOUT } from "../chromium.js";
import { FAULTS } from "./proxy.js";

const ROUNDS = 60;

const ACTS = ["add", "title", "description", "tags", "date", "priority", "toggle", "remove", "undo", "network"];

/** Reproducible random numbers: mulberry32. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const storm = {
  async "whatever is edited and whatever gets lost, the devices agree in the end"({ a, b, agree }) {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`  SEED=${seed}`);
    const random = generator(seed);
    const pick = (values) => values[Math.floor(random() * values.length)];
    const made = new Set();
    // Rows come and go: there is no point in waiting long for one.
    for (const { page } of [a, b]) page.setDefaultTimeout(2_000);
    for (const { proxy } of [a, b]) proxy.faultOf = () => (random() < 0.4 ? pick(FAULTS) : undefined);
    for (let round = 0; round < ROUNDS; round += 1) {
      const device = pick([a, b]);
      const titles = (await device.shown()).map(({ title }) => title);
      const act = titles.length < 3 ? "add" : pick(ACTS);
      const text = `${round}`;
      try {
        if (act === "add") made.add(text) && (await device.add(text));
        else if (act === "title") made.add(text) && (await device.edit(pick(titles), act, text));
        else if (act === "description") await device.edit(pick(titles), act, text);
        else if (act === "tags") await device.edit(pick(titles), act, pick(["", "home", `home, ${text}`]));
        else if (act === "date") await device.edit(pick(titles), act, pick(["", "2026-03-01", "2026-03-02"]));
        else if (act === "priority") await device.prioritize(pick(titles), pick(["low", "medium", "high"]));
        else if (act === "toggle") await device.toggle(pick(titles));
        else if (act === "remove") await device.remove(pick(titles));
        else if (act === "undo" && (await device.page.locator("#undo").isVisible())) await device.page.locator("#undo button").click();
        else if (act === "network") await (device.proxy.isOffline ? device.goOnline() : device.goOffline());
      } catch (error) {
        // The other device may have deleted or renamed it in the meantime.
        if (error.name !== "TimeoutError") throw error;
      }
    }
    for (const device of [a, b]) {
      device.page.setDefaultTimeout(TIMEOUT);
      device.proxy.faultOf = () => undefined;
      await device.goOnline();
    }
    const titles = (await agree()).map(({ title }) => title);
    assert.equal(new Set(titles).size, titles.length, "a duplicate");
    assert.ok(titles.every((title) => made.has(title)), `${titles}`);
  },
};
