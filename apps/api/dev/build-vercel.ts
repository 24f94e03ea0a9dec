import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

// Writes a deployment in Vercel's Build Output API format: one bundled function for every path. Vercel's own
// builder does not follow imports that begin with "#src/".

const API = fileURLToPath(new URL("..", import.meta.url));
const output = path.resolve(process.argv[2] ?? path.join(API, ".vercel/output"));
const functionDirectory = path.join(output, "functions/api.func");

/** Seconds. Every plan allows this much. */
const MAX_DURATION = 300;

await rm(output, { recursive: true, force: true });
await mkdir(functionDirectory, { recursive: true });
await build({
  absWorkingDir: API,
  entryPoints: ["src/vercel.ts"],
  outfile: path.join(functionDirectory, "index.mjs"),
  bundle: true,
  minify: true,
  keepNames: true,
  platform: "node",
  target: "node24",
  format: "esm",
  // Without graphile-worker: see imports in package.json.
  conditions: ["serverless"],
  // pg loads it only on request.
  external: ["pg-native"],
  // pg is CommonJS and requires Node's own modules.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
await writeJson(path.join(functionDirectory, ".vc-config.json"), {
  runtime: "nodejs24.x",
  handler: "index.mjs",
  launcherType: "Nodejs",
  shouldAddHelpers: false,
  supportsResponseStreaming: true,
  maxDuration: MAX_DURATION,
});
await writeJson(path.join(output, "config.json"), {
  version: 3,
  routes: [{ src: "/(.*)", dest: "/api" }],
});

function writeJson(file: string, content: object): Promise<void> {
  return writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
}
