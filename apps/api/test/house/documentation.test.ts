import { glob, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { withProviderTable } from "../../dev/contract/provider-table.ts";
import { compile } from "./compile.ts";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

interface Block {
  readonly title: string;
  readonly language: string;
  readonly code: string;
}

const blocks: Block[] = [];
for await (const file of glob(["*.md", "docs/**/*.md", "apps/*/*.md"], { cwd: ROOT })) {
  const text = await readFile(path.join(ROOT, file), "utf8");
  for (const match of text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)) {
    const [, language = "", code = ""] = match;
    const line = text.slice(0, match.index).split("\n").length;
    blocks.push({ title: `${file}:${line}`, language, code });
  }
}

/** A block that begins with a file's path must equal that file, which the compiler and vitest check. */
const EXAMPLE = /^\/\/ (apps\/\S+\.ts)\n/;

/** A block that begins so shows parts of a file, in their order, with `// …` or `# …` where one ends. */
const EXCERPT = /^(?:\/\/|#) from (\S+)\n/;

const typescript = blocks.filter(
  ({ language, code }) => language === "ts" && !EXAMPLE.test(code) && !EXCERPT.test(code),
);
const excerpts = blocks.filter(({ code }) => EXCERPT.test(code));
const examples = blocks.filter(({ code }) => EXAMPLE.test(code));
const shell = blocks.filter(({ language }) => language === "sh");

describe("every block of TypeScript in the documentation compiles", () => {
  let errors: ReadonlyMap<string, string>;
  const fileOf = ({ title }: Block) => title.replaceAll(/[^a-zA-Z0-9]+/g, "-");

  beforeAll(async () => {
    errors = await compile(
      "documentation",
      Object.fromEntries(typescript.map((block) => [fileOf(block), block.code])),
    );
  });

  test.each(typescript)("$title", (block) => {
    expect(errors.get(fileOf(block))).toBe("");
  });
});

describe("every example in the documentation is a file that runs with the tests", async () => {
  const shown = new Set(examples.map(({ code }) => EXAMPLE.exec(code)?.[1]));

  test.each(examples)("$title", async ({ code }) => {
    const [, file = ""] = EXAMPLE.exec(code) ?? [];
    expect(code).toBe(await readFile(path.join(ROOT, file), "utf8"));
  });

  test("and every example is shown", async () => {
    const files = new Set<string>();
    for await (const file of glob("apps/api/test/examples/*.ts", { cwd: ROOT })) files.add(file);
    expect(files).toEqual(shown);
    expect(examples.filter(({ code }) => /^test\(/m.test(code)).length).toBeGreaterThan(0);
  });
});

describe("the file contains every excerpt in the documentation", () => {
  test.each(excerpts)("$title", async ({ code }) => {
    let rest = await readFile(path.join(ROOT, EXCERPT.exec(code)?.[1] ?? ""), "utf8");
    for (const part of code.replace(EXCERPT, "").split(/^ *(?:\/\/|#) …\n/m)) {
      expect(rest).toContain(part.trim());
      rest = rest.slice(rest.indexOf(part.trim()) + part.trim().length);
    }
  });
});

describe("every npm command in the documentation exists", async () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8")));

  test.each(shell)("$title", ({ code }) => {
    for (const [, script = ""] of code.matchAll(/npm run (?:-s )?([\w:-]+)/g)) {
      expect(scripts).toHaveProperty([script]);
    }
  });
});

test("the provider table matches the declarations; npm run docs:providers updates it", async () => {
  const text = await readFile(path.join(ROOT, "docs/contract.md"), "utf8");
  expect(withProviderTable(text)).toBe(text);
});

test("every block names its language", () => {
  const known = new Set(["ts", "sh", "sql", "text", "json", "ini", "yaml", "toml", "dockerfile"]);
  const unknown = blocks.filter(({ language }) => !known.has(language));
  expect(unknown.map(({ title }) => title)).toEqual([]);
  expect(typescript.length).toBeGreaterThan(0);
});

test(".env.example explains every variable that is read", async () => {
  const example = await readFile(path.join(ROOT, ".env.example"), "utf8");
  const read = new Set<string>();
  for (const file of [
    "config.ts",
    "process.ts",
    "jobs/env.ts",
    "jobs/infrastructure/qstash/qstash-environment.ts",
    "../dev/start-qstash.ts",
  ]) {
    const text = await readFile(path.join(ROOT, "apps/api/src", file), "utf8");
    for (const [, name = ""] of text.matchAll(/(?:^ +|env\["|env\.)([A-Z][A-Z_]+)(?::|"\]|\b)/gm)) {
      read.add(name);
    }
  }
  expect(read).toContain("JOBS_CONCURRENCY");
  const missing = [...read].filter((name) => !new RegExp(`^# ${name}=`, "m").test(example));
  expect(missing).toEqual([]);
});
