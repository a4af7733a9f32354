// Fails if the sources (`src` in the working directory) bypass the types of the API with any, a cast, or a `!`. Fix the
// API description instead.

import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";

const forbidden = new Map([
  [ts.SyntaxKind.AnyKeyword, "any"],
  [ts.SyntaxKind.AsExpression, "as"],
  [ts.SyntaxKind.TypeAssertionExpression, "<T>"],
  [ts.SyntaxKind.NonNullExpression, "!"],
]);

const isSource = (name) => name.endsWith(".ts") && name !== "schema.d.ts";

for (const file of readdirSync("src", { recursive: true }).filter(isSource)) {
  const source = ts.createSourceFile(file, readFileSync(`src/${file}`, "utf8"), ts.ScriptTarget.Latest);
  const visit = (node) => {
    const what = forbidden.get(node.kind);
    if (what !== undefined) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      console.error(`src/${file}:${line + 1}: ${what}`);
      process.exitCode = 1;
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}
