// The machine's own Chromium, with a profile that is gone afterwards.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { chromium } from "playwright-core";

/** Ends a hang; in milliseconds. No machine is so slow. */
const LONG = 60_000;

const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** As if the machine were off the net: no name is resolved, and no other address is called. */
const OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

function executable() {
  const directories = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const candidates = names.flatMap((name) => directories.map((directory) => join(directory, name)));
  const found = [process.env.CHROMIUM, ...candidates].find((path) => path && existsSync(path));
  if (!found) throw new Error("missing: chromium; please install it, or name it in CHROMIUM");
  return found;
}

/** Opens a page in a new profile, hands it to `visit`, and closes all of it. */
export async function inChromium({ isOnline }, visit) {
  const profile = await mkdtemp(join(tmpdir(), "todo-browser-"));
  try {
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: executable(),
      headless: true,
      args: isOnline ? QUIET : [...QUIET, OFFLINE],
    });
    try {
      browser.setDefaultTimeout(LONG);
      await visit(browser.pages()[0] ?? (await browser.newPage()));
    } finally {
      await browser.close();
    }
  } finally {
    // Its processes may still be writing.
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** What must not happen on a page: an error on the console or in a script, a request that goes elsewhere or fails. */
export function complaints(page, origin) {
  const heard = [];
  page.on("console", (message) => {
    if (message.type() === "error") heard.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => heard.push(`script: ${error}`));
  page.on("request", (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && asked !== origin) heard.push(`request: ${request.url()}`);
  });
  page.on("requestfailed", (request) => heard.push(`failed: ${request.url()}: ${request.failure()?.errorText}`));
  return heard;
}
