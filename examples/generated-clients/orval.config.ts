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
        // The body of the answer; an error is thrown, as react-query wants it.
        fetch: { includeHttpResponseReturnType: false },
      },
    },
  },
});
