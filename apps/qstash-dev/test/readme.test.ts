import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { HELP } from "#src/cli.ts";
import { FAULT_NAMES } from "#src/engine/faults.ts";

const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");

test("the README shows the tested example", async () => {
  expect(await read("../README.md")).toContain(await read("examples/welcome-mail.test.ts"));
});

test("the README and --help name every flag and every fault", async () => {
  const readme = await read("../README.md");
  const flags = [...HELP.matchAll(/--[a-z-]+/g)].map(([flag]) => flag);
  const table = [...readme.matchAll(/^\| `(--[a-z-]+)/gm)].map(([, flag]) => flag);
  expect(new Set(table)).toEqual(new Set(flags));
  for (const fault of FAULT_NAMES) expect(readme).toContain(`\`${fault}\``);
});

test("the README names tests that exist", async () => {
  const readme = await read("../README.md");
  const named = [...readme.matchAll(/\| `([a-z-]+): ([^`]+)` \|$/gm)];
  expect(named.length).toBeGreaterThan(70);
  for (const [, file = "", title = ""] of named) {
    expect(await read(`${file}.test.ts`)).toContain(`"${title}"`);
  }
});
