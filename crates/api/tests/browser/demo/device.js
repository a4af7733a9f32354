// A device of a user: a browser context with the page in it, behind a proxy of its own.

import assert from "node:assert/strict";

import { TIMEOUT } from "../chromium.js";
import { Proxy } from "./proxy.js";

export class Device {
  /** What must not happen: errors in scripts, and what the content security policy refuses. */
  problems = [];

  /** Opens the page on a device in that time zone. */
  static async open(browser, sandbox, user, zone) {
    const device = new Device();
    device.zone = zone;
    device.proxy = await Proxy.start(() => sandbox.url);
    device.context = await browser.newContext({ timezoneId: zone });
    device.context.setDefaultTimeout(TIMEOUT);
    device.user = user;
    device.page = await device.tab();
    return device;
  }

  /** Opens the page, in one more tab. */
  async tab() {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.problems.push(`script: ${error}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        this.problems.push(`console: ${message.text()}`);
      }
    });
    await page.goto(`${this.proxy.url}/demo?user=${this.user}`);
    return page;
  }

  async close() {
    await this.context.close();
    this.proxy.stop();
    assert.deepEqual(this.problems, []);
  }

  goOffline() {
    this.proxy.goOffline();
  }

  /** The network is back, and the browser says so. */
  async goOnline() {
    this.proxy.isOffline = false;
    await this.page.evaluate(() => dispatchEvent(new Event("online")));
  }

  // What the user does.

  async add(title, page = this.page) {
    await page.locator("#title").fill(title);
    await page.locator("#new button").click();
    await this.row(title, page).waitFor();
    await this.#settled(page);
  }

  async edit(title, field, text, page = this.page) {
    const input = this.row(title, page).locator(`.${field}`);
    await input.fill(text);
    await input.blur();
    await this.#settled(page);
  }

  async prioritize(title, priority) {
    await this.row(title).locator(".priority").selectOption(priority);
    await this.#settled(this.page);
  }

  async toggle(title) {
    await this.row(title).locator("[type=checkbox]").click();
    await this.#settled(this.page);
  }

  async remove(title, page = this.page) {
    const row = this.row(title, page);
    await row.getByRole("button").click();
    await row.waitFor({ state: "detached" });
    await this.#settled(page);
  }

  async undo(title) {
    await this.page.locator("#undo button").click();
    await this.row(title).waitFor();
    await this.#settled(this.page);
  }

  /** The row with this title. Titles are unique in these tests. */
  row(title, page = this.page) {
    return page.locator(`#todos li[aria-label="${title}"]`);
  }

  // What the user sees.

  /** The todos as the inputs show them, in their order. */
  shown(page = this.page) {
    return page.locator("#todos li").evaluateAll((rows) =>
      rows.map((row) => ({
        id: row.id,
        title: row.querySelector(".title").value,
        description: row.querySelector(".description").value,
        is_completed: row.querySelector("[type=checkbox]").checked,
        priority: row.querySelector(".priority").value,
        date: row.querySelector(".date").value,
        time: row.querySelector(".time").value,
        tags: row.querySelector(".tags").value,
      })),
    );
  }

  /** How todos of the API are shown: dates as they are, instants in the zone of the device. */
  expected(todos) {
    return todos.map(({ id, title, description, is_completed, priority, due, tags }) => {
      const isInstant = due?.includes("T");
      const local = isInstant ? new Date(due).toLocaleString("sv-SE", { timeZone: this.zone }) : due ?? "";
      const [date, time] = [local.slice(0, 10), local.slice(11, 16)];
      return { id, title, description: description ?? "", is_completed, priority, date, time, tags: tags.join(", ") };
    });
  }

  /** Waits until only these titles are shown: what is due ("today", "overdue" or "") and has the tag (or ""). */
  async filters(due, tag, titles) {
    await this.page.locator("#due").selectOption(due);
    // By its name in any case: the page offers the first spelling.
    const options = await this.page.locator("#tag option").evaluateAll((all) => all.map(({ value }) => value));
    await this.page.locator("#tag").selectOption(options.find((it) => it.toLowerCase() === tag));
    await this.page.waitForFunction((expected) => {
      const rows = [...document.querySelectorAll("#todos li")];
      return rows.map((row) => row.querySelector(".title").value).join() === expected;
    }, titles.join());
  }

  state(page = this.page) {
    return page.locator("#state").innerText();
  }

  notices() {
    return this.page.locator("#notices li").allInnerTexts();
  }

  /** For the message of a failed test. */
  async describe() {
    const log = this.proxy.log.slice(-12).map(({ method, path, status }) => `\n  ${method} ${path} ${status}`);
    return `${await this.state()} ${JSON.stringify(await this.shown())} ${JSON.stringify(await this.notices())}${log.join("")}`;
  }

  /** How often the server was asked for this, or answered it with this status. */
  count({ method, status, path = "" }) {
    const matches = (it) => [method ?? it.method, status ?? it.status].join() === [it.method, it.status].join();
    return this.proxy.log.filter((it) => matches(it) && it.path.includes(path)).length;
  }

  /** Waits until the page has stored what the user did. */
  async #settled(page) {
    await page.locator("#todos:not([aria-busy=true])").waitFor({ state: "attached" });
  }
}
