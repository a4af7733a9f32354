import { defineConfig } from "@hey-api/openapi-ts";

export default defineConfig({
  input: "../../docs/openapi.json",
  output: { path: "generated/hey-api", importFileExtension: ".js" },
  plugins: [
    "@hey-api/client-fetch",
    "@hey-api/typescript",
    // Checks what is sent and what comes back at run time.
    { name: "@hey-api/sdk", validator: true },
    "zod",
  ],
});
