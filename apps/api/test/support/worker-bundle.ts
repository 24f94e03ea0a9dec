import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

const API = fileURLToPath(new URL("../..", import.meta.url));
const WRANGLER = fileURLToPath(
  new URL("bin/wrangler.js", import.meta.resolve("wrangler/package.json")),
);

export interface WorkerBundle {
  readonly code: string;
  readonly kib: number;
  readonly gzipKib: number;
}

/** What `wrangler deploy` would upload, by wrangler.jsonc. */
export async function bundleWorker(): Promise<WorkerBundle> {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-worker-"));
  try {
    await promisify(execFile)(
      process.execPath,
      [WRANGLER, "deploy", "--dry-run", "--minify", "--outdir", directory],
      { cwd: API, env: { ...process.env, WRANGLER_SEND_METRICS: "false" }, timeout: 60_000 },
    );
    const code = await readFile(path.join(directory, "edge.js"), "utf8");
    return {
      code,
      kib: Math.ceil(Buffer.byteLength(code) / 1_024),
      gzipKib: Math.ceil(gzipSync(code).length / 1_024),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
