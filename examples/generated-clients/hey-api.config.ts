import { defineConfig } from "@hey-api/openapi-ts";

export default defineConfig({
  input: process.env["OPENAPI"] ?? "../../docs/openapi.json",
  output: { path: process.env["OUTPUT"] ?? "generated/hey-api", importFileExtension: ".js" },
  plugins: [
    "@hey-api/client-fetch",
    "@hey-api/typescript",
    // Validates requests and responses at run time.
    { name: "@hey-api/sdk", validator: true },
    // Accepts the instants of requests, which may have any offset.
    { name: "zod", dates: { offset: true } },
  ],
});
