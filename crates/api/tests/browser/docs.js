// Uses /docs as a person would: opens the server's root, enters a user or a token once, and executes every operation from top to
// bottom without changing anything.

import assert from "node:assert/strict";

import { collectProblems } from "./chromium.js";
import { credentials } from "./token.js";

export async function docs(page, baseUrl) {
  const problems = collectProblems(page, new URL(baseUrl).origin);
  await page.goto(baseUrl);
  assert.equal(page.url(), `${baseUrl}/docs`);
  assert.equal(await page.title(), "Todo API");
  await page.locator(".opblock").first().waitFor();
  assert.equal(await page.locator(".topbar").count(), 0, "there is a top bar");
  assert.equal(await page.getByText("Explore").count(), 0, "there is a top bar");
  await hasIcon(page);

  await authorize(page, credentials());
  await page.reload();
  // Still authorized after the reload.
  await page.locator(".auth-wrapper .btn.authorize.locked").waitFor();

  const document = await (await fetch(`${baseUrl}/openapi.json`)).json();
  const described = Object.values(document.paths).flatMap((path) => Object.values(path));
  described.sort((one, other) => one["x-order"] - other["x-order"]);
  const expected = described.map((operation) => operation.operationId);
  const operations = page.locator(".opblock");
  await operations.first().waitFor();
  const shown = await operations.locator(".opblock-summary-operation-id").allInnerTexts();
  assert.deepEqual(shown, expected);
  for (const [position, id] of expected.entries()) {
    // Swagger UI shows a response when it has ended, and a stream goes on for minutes.
    if (id === "streamEvents") continue;
    const operation = operations.nth(position);
    await operation.locator(".opblock-summary-control").click();
    await operation.locator(".execute").click();
    const response = operation.locator(".live-responses-table .response").first();
    const status = await response.locator(".response-col_status").innerText();
    const text = await response.locator(".response-col_description").innerText();
    assert.match(status, /^2\d\d/, `${id}: ${text}`);
    console.log(`  ${id}: ${status.trim().split(/\s/)[0]}`);
  }

  // A link to an operation opens it.
  await page.goto("about:blank");
  await page.goto(`${baseUrl}/docs#/todos/${expected[1]}`);
  await page.locator(`#operations-todos-${expected[1]} .execute`).waitFor();
  assert.equal(await page.locator(".execute").count(), 1);
  assert.deepEqual(problems, []);
}

async function hasIcon(page) {
  const width = await page.evaluate(async () => {
    const image = new Image();
    image.src = document.querySelector("link[rel=icon]").href;
    await image.decode();
    return image.naturalWidth;
  });
  assert.equal(width, 32);
}

async function authorize(page, text) {
  await page.locator(".auth-wrapper .btn.authorize").click();
  const dialog = page.locator(".dialog-ux");
  await dialog.locator("input").fill(text);
  await dialog.locator("button.authorize").click();
  await dialog.locator(".btn-done").click();
}
