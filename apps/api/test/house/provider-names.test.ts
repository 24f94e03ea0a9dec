import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const SCRIPT = fileURLToPath(
  new URL("../../../../scripts/check-provider-names.js", import.meta.url),
);

function check(...files: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, ...files], { encoding: "utf8" });
  return { status, stderr };
}

test("no code outside the adapters compares a provider's name", () => {
  expect(check()).toEqual({ status: 0, stderr: "" });
});

test.each([
  'export const wrong = (name: string) => name === "qstash";',
  'export const wrong = (name: string) => "graphile" != name;',
  'export function wrong(name: string) { switch (name) { case "memory": return 1; default: return 2; } }',
  'export const wrong = (name: string) => ["graphile", "noop"].includes("noop") && name;',
])("the check finds %s", async (code) => {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-names-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = path.join(directory, "planted.ts");
  await writeFile(file, `// A comment.\n${code}\n`);
  const { status, stderr } = check(file);
  expect(status).toBe(1);
  expect(stderr).toContain(`${file}:2`);
});
