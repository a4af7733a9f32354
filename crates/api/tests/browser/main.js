// Tests a running server in Chromium: node main.js online|offline. BASE_URL is the server's URL.

import { cache } from "./cache.js";
import { inChromium } from "./chromium.js";
import { docs } from "./docs.js";
import { usesTokens } from "./token.js";

const network = process.argv[2];
if (!["online", "offline"].includes(network)) throw new Error("online or offline?");
const baseUrl = process.env.BASE_URL;
const isOnline = network === "online";

console.log(`/docs, ${network}`);
await inChromium({ isOnline }, (page) => docs(page, baseUrl));
if (!usesTokens) {
  console.log("two users share a cache");
  await inChromium({ isOnline }, (page) => cache(page, baseUrl));
}
