import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

/** A directory below apps/api, so that `#src/…` and the packages resolve. Git ignores it. */
const WORK = fileURLToPath(new URL("../../.orbit/compile", import.meta.url));
const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

/** Never compiles. If its error is missing, the compiler checked nothing. */
const CANARY = "canary";

/** Compiles each snippet as its own module, all in one run. Returns the errors of each snippet. */
export async function compile(
  name: string,
  snippets: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const directory = path.join(WORK, name);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const files = { ...snippets, [CANARY]: 'export const wrong: number = "text";' };
  for (const [file, code] of Object.entries(files)) {
    await writeFile(path.join(directory, `${file}.ts`), `${code}\nexport {};\n`);
  }
  const config = {
    extends: path.join(ROOT, "tsconfig.json"),
    compilerOptions: { types: ["node"], typeRoots: [path.join(ROOT, "node_modules/@types")] },
    include: [directory, path.join(ROOT, "apps/api/src")],
    exclude: [],
  };
  await writeFile(path.join(directory, "tsconfig.json"), JSON.stringify(config));
  const output = await runTsc(directory);
  if (!errorsOf(CANARY, output)) throw new Error(`nothing was compiled: ${output}`);
  return new Map(Object.keys(snippets).map((file) => [file, errorsOf(file, output)]));
}

function runTsc(directory: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const tsc = path.join(ROOT, "node_modules/.bin/tsc");
    const args = ["--project", directory, "--pretty", "true"];
    execFile(tsc, args, { cwd: directory, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error && stdout === "") reject(new Error(`tsc failed: ${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

/** Each error as a developer sees it: the message and the line of code. */
function errorsOf(file: string, output: string): string {
  return stripVTControlCharacters(output)
    .split(/^(?=\S+\.ts:\d+:\d+ - error )/m)
    .filter((block) => path.basename(block.split(":")[0] ?? "") === `${file}.ts`)
    .join("");
}
