// What a person does at /docs: comes from the server's name alone, says once who it is, and tries each operation from
// top to bottom as it stands.

import assert from "node:assert/strict";

import { complaints } from "./chromium.js";

export async function docs(page, baseUrl) {
  const heard = complaints(page, new URL(baseUrl).origin);
  await page.goto(baseUrl);
  assert.equal(page.url(), `${baseUrl}/docs`);
  assert.equal(await page.title(), "Todo API");
  await page.locator(".opblock").first().waitFor();
  assert.equal(await page.locator(".topbar").count(), 0, "there is a bar");
  assert.equal(await page.getByText("Explore").count(), 0, "there is a bar");
  await hasIcon(page);

  await authorize(page, crypto.randomUUID());
  await page.reload();
  // The lock is closed.
  await page.locator(".auth-wrapper .btn.authorize.locked").waitFor();

  const document = await (await fetch(`${baseUrl}/openapi.json`)).json();
  const described = Object.values(document.paths).flatMap((path) => Object.values(path));
  described.sort((one, other) => one["x-order"] - other["x-order"]);
  const expected = described.map((operation) => operation.operationId);
  const operations = page.locator(".opblock");
  await operations.first().waitFor();
  const shown = await operations.locator(".opblock-summary-operation-id").allInnerTexts();
  assert.deepEqual(shown, expected);
  for (const [place, id] of expected.entries()) {
    const operation = operations.nth(place);
    await operation.locator(".opblock-summary-control").click();
    await operation.locator(".execute").click();
    const answer = operation.locator(".live-responses-table .response").first();
    const status = await answer.locator(".response-col_status").innerText();
    const text = await answer.locator(".response-col_description").innerText();
    assert.match(status, /^2\d\d/, `${id}: ${text}`);
    console.log(`  ${id}: ${status.trim().split(/\s/)[0]}`);
  }

  // A link to an operation opens it.
  await page.goto("about:blank");
  await page.goto(`${baseUrl}/docs#/todos/${expected[1]}`);
  await page.locator(`#operations-todos-${expected[1]} .execute`).waitFor();
  assert.equal(await page.locator(".execute").count(), 1);
  assert.deepEqual(heard, []);
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

async function authorize(page, user) {
  await page.locator(".auth-wrapper .btn.authorize").click();
  const dialog = page.locator(".dialog-ux");
  await dialog.locator("input").fill(user);
  await dialog.locator("button.authorize").click();
  await dialog.locator(".btn-done").click();
}
