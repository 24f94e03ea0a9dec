import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { Readable } from "node:stream";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import type { Deployment } from "./serverless-world.ts";

const API = fileURLToPath(new URL("../..", import.meta.url));
const WRANGLER = fileURLToPath(
  new URL("bin/wrangler.js", import.meta.resolve("wrangler/package.json")),
);

/**
 * The code that `wrangler deploy` uploads, by wrangler.jsonc.
 *
 * @param entry a file of apps/api in place of the API's own entry
 */
export async function bundleWorker(entry = "src/edge.ts"): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-worker-"));
  try {
    await promisify(execFile)(
      process.execPath,
      [WRANGLER, "deploy", entry, "--dry-run", "--outdir", directory],
      { cwd: API, env: { ...process.env, WRANGLER_SEND_METRICS: "false" }, timeout: 60_000 },
    );
    const { name } = path.parse(entry);
    return await readFile(path.join(directory, `${name}.js`), "utf8");
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs the code in workerd with the compatibility date of wrangler.jsonc. */
export async function startWorker(
  code: string,
  port: number,
  bindings: Record<string, string>,
  hyperdrives: Record<string, string> = {},
): Promise<Deployment> {
  const config = await readFile(path.join(API, "wrangler.jsonc"), "utf8");
  const [, compatibilityDate] = /"compatibility_date": "([\d-]+)"/.exec(config) ?? [];
  if (!compatibilityDate) throw new Error("wrangler.jsonc has no compatibility date");
  let log = "";
  const worker = new Miniflare({
    modules: [{ type: "ESModule", path: "edge.js", contents: code }],
    host: "127.0.0.1",
    port,
    bindings,
    hyperdrives,
    compatibilityDate,
    compatibilityFlags: ["nodejs_compat"],
    handleRuntimeStdio(_stdout: Readable, stderr: Readable) {
      stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    },
  });
  await worker.ready;
  return { log: () => log, stop: () => worker.dispose() };
}
