import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { startProcess } from "./process.ts";
import type { Deployment } from "./serverless-world.ts";

const API = fileURLToPath(new URL("../..", import.meta.url));

export interface VercelOutput {
  readonly directory: string;
  /** The code of its only function. */
  readonly code: string;
  remove(): Promise<void>;
}

/** Builds what Vercel deploys, by vercel.json, outside this checkout and its node_modules. */
export async function buildVercel(): Promise<VercelOutput> {
  const { buildCommand } = z
    .object({ buildCommand: z.string() })
    .parse(JSON.parse(await readFile(path.join(API, "vercel.json"), "utf8")));
  const [command, ...args] = buildCommand.split(" ");
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-vercel-"));
  await promisify(execFile)(command === "node" ? process.execPath : "", [...args, directory], {
    cwd: API,
    timeout: 60_000,
  });
  return {
    directory,
    code: await readFile(path.join(directory, "functions/api.func/index.mjs"), "utf8"),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Serves the function in a process with only this environment. */
export async function startVercelFunction(
  output: VercelOutput,
  port: number,
  env: Record<string, string>,
): Promise<Deployment> {
  const launched = startProcess("test/support/vercel-launcher.ts", env, [
    path.join(output.directory, "functions/api.func"),
    String(port),
  ]);
  await launched.waitFor(/serving/);
  return {
    log: launched.stderr,
    async stop() {
      launched.kill("SIGKILL");
      await launched.exit;
    },
  };
}
