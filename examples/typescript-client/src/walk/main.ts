/**
 * Walks against the server at BASE_URL, and ends with an error where it does not keep the contract, or where the client
 * does something twice. Makes two users of its own, and leaves nothing behind.
 */

import { alice, bob, clear } from "./calls.js";
import { contract } from "./contract.js";
import { losses } from "./losses.js";
import { offline } from "./offline.js";

try {
  for (const [name, step] of Object.entries({ ...contract, ...losses, ...offline })) {
    await step();
    console.log(`ok: ${name}`);
  }
} finally {
  await clear(alice);
  await clear(bob);
}
