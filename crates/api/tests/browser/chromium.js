// Runs the installed Chromium with a temporary profile.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { chromium } from "playwright-core";

/** A generous timeout in milliseconds, only to end a hang. */
export const TIMEOUT = 60_000;

const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Simulates a machine without network access: only 127.0.0.1 can be reached. */
const OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

function executable() {
  const directories = (process.env.PATH ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const candidates = names.flatMap((name) => directories.map((directory) => join(directory, name)));
  const found = [process.env.CHROMIUM, ...candidates].find((path) => path && existsSync(path));
  if (!found) throw new Error("missing: chromium; please install it, or name it in CHROMIUM");
  return found;
}

/** Opens a page in a new profile, passes it to `visit`, and closes the browser. */
export async function inChromium({ isOnline }, visit) {
  const profile = await mkdtemp(join(tmpdir(), "todo-browser-"));
  try {
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath: executable(),
      headless: true,
      args: isOnline ? QUIET : [...QUIET, OFFLINE],
    });
    try {
      browser.setDefaultTimeout(TIMEOUT);
      await visit(browser.pages()[0] ?? (await browser.newPage()));
    } finally {
      await browser.close();
    }
  } finally {
    // Retry, because processes of the browser may still be writing.
    await rm(profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Starts a browser that reaches only 127.0.0.1, for pages in contexts of their own. */
export function launch() {
  return chromium.launch({ executablePath: executable(), headless: true, args: [...QUIET, OFFLINE] });
}

/** Collects the problems of a page: errors on the console or in scripts, failed requests, and those to other origins. */
export function collectProblems(page, origin) {
  const problems = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`script: ${error}`));
  page.on("request", (request) => {
    const { protocol, origin: target } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && target !== origin) problems.push(`request: ${request.url()}`);
  });
  page.on("requestfailed", (request) => problems.push(`failed: ${request.url()}: ${request.failure()?.errorText}`));
  return problems;
}
