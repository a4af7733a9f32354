// Bundles the page into a directory: node build.js [--check] DIRECTORY. With --check, it only fails if the files there are
// not those that the sources build.

import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const isCheck = process.argv[2] === "--check";
const target = process.argv[isCheck ? 3 : 2];
if (target === undefined) throw new Error("which directory?");

/** The libraries in the bundle want their licences to go with them. */
async function licences() {
  const texts = ["idb", "openapi-fetch"].map(async (name) => {
    const files = await readdir(join("node_modules", name));
    const licence = files.find((file) => /^licen[cs]e/i.test(file));
    return `${name}:\n\n${(await readFile(join("node_modules", name, licence), "utf8")).trim()}`;
  });
  return `/*\nBuilt from examples/offline-todo; do not edit. Contains:\n\n${(await Promise.all(texts)).join("\n\n")}\n*/`;
}

async function bundle(directory) {
  const options = { bundle: true, format: "esm", target: "es2022", charset: "utf8", legalComments: "none" };
  await build({ ...options, entryPoints: ["src/demo.ts"], outdir: directory, banner: { js: await licences() } });
  for (const file of ["index.html", "demo.css", "sw.js"]) await copyFile(join("src", file), join(directory, file));
}

if (isCheck) {
  const fresh = await mkdtemp(join(tmpdir(), "offline-todo-"));
  try {
    await bundle(fresh);
    for (const file of await readdir(fresh)) {
      const [built, committed] = await Promise.all([fresh, target].map((it) => readFile(join(it, file), "utf8")));
      if (built !== committed) throw new Error(`${target}/${file} is out of date: npm run build`);
    }
  } finally {
    await rm(fresh, { recursive: true });
  }
} else {
  await bundle(target);
}
