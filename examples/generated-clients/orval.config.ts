import { defineConfig } from "orval";

export default defineConfig({
  todos: {
    input: "../../docs/openapi.json",
    output: {
      target: "generated/orval/todos.ts",
      schemas: "generated/orval/model",
      client: "react-query",
      httpClient: "fetch",
      // If-Match and If-None-Match are arguments.
      headers: true,
      override: {
        mutator: { path: "src/orval-fetch.ts", name: "orvalFetch", extension: ".js" },
        // Return only the body. Errors are thrown, as react-query expects.
        fetch: { includeHttpResponseReturnType: false },
      },
    },
  },
});
