import { defineConfig } from "@hey-api/openapi-ts";

export default defineConfig({
  input: "../../docs/openapi.json",
  output: { path: "generated/hey-api", importFileExtension: ".js" },
  plugins: [
    "@hey-api/client-fetch",
    "@hey-api/typescript",
    // Validates requests and responses at run time.
    { name: "@hey-api/sdk", validator: true },
    "zod",
  ],
});
