/**
 * Tests the server at BASE_URL, and fails if it violates the contract, or if the client executes a change twice. Uses
 * two new users, and deletes their todos.
 */

import { alice, bob, clear } from "./calls.js";
import { contract } from "./contract.js";
import { fields } from "./fields.js";
import { losses } from "./losses.js";
import { offline } from "./offline.js";

try {
  for (const [name, step] of Object.entries({ ...contract, ...fields, ...losses, ...offline })) {
    await step();
    console.log(`ok: ${name}`);
  }
} finally {
  await clear(alice);
  await clear(bob);
}
