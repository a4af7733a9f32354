// Fails where the sources get around the types of the API: by any, a cast, or a `!`. Then the description is what
// should be mended.

import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";

const forbidden = new Map([
  [ts.SyntaxKind.AnyKeyword, "any"],
  [ts.SyntaxKind.AsExpression, "as"],
  [ts.SyntaxKind.TypeAssertionExpression, "<T>"],
  [ts.SyntaxKind.NonNullExpression, "!"],
]);

for (const file of readdirSync("src", { recursive: true }).filter((name) => name.endsWith(".ts") && name !== "schema.d.ts")) {
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
