import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import {
  AS_PID_1,
  childOf,
  noPidNamespace,
  type StopWorld,
  startStopWorld,
} from "../support/stop-world.ts";
import { startCommand } from "../support/process.ts";

// More commands, shells and signals: stop.long.test.ts.

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

let world: StopWorld;

beforeAll(async () => {
  world = await startStopWorld();
});
afterAll(() => world.close());

test("npm run worker: SIGTERM to npm and its children, repeated, lets the running handler end", async () => {
  const worker = world.start(["npm", "run", "worker"]);
  await worker.waitFor(/The worker runs/);
  await world.runJob();
  worker.killGroup("SIGTERM");
  await worker.waitFor(/Stopping\. Running jobs get up to 60 s\./);
  worker.killGroup("SIGTERM");
  worker.kill("SIGTERM");
  world.accept();
  expect(await worker.exit).toBe(0);
  expect(world.mails).toHaveLength(1);
  expect(await world.jobs()).toEqual([]);
  expect(await world.leftovers()).toEqual([]);
});

test("as PID 1, a program that listens to no signal still ends on SIGTERM", async ({ skip }) => {
  const reason = noPidNamespace();
  if (reason !== undefined) return skip(reason);
  const command = "console.log('loading'); setInterval(() => {}, 1_000)";
  const loading = startCommand([
    ...AS_PID_1,
    process.execPath,
    "--import",
    "./scripts/require-node.js",
    "--eval",
    command,
  ]);
  await loading.waitFor(/loading/);
  process.kill(await childOf(loading), "SIGTERM");
  expect(await loading.exit).toBe(143);
});

test("every npm script that runs one program replaces its shell with it", async () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8")));
  const programs = Object.entries(scripts).filter(([, script]) =>
    /\bnode (--|\S*vitest)/.test(script),
  );
  expect(programs.map(([name]) => name)).toEqual(
    expect.arrayContaining(["start", "start:qstash", "worker", "qstash-dev", "chaos", "test"]),
  );
  expect(programs.filter(([, script]) => !/^exec node [^&|;]+$/.test(script))).toEqual([]);
});

test("exec where the shell has none runs the program and ends with its exit code", async () => {
  const exec = path.join(ROOT, "apps/api/bin/exec.js");
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [exec, process.execPath, "--print", "'a b'"]);
  expect(stdout).toBe("a b\n");
  await expect(
    run(process.execPath, [exec, process.execPath, "--eval", "process.exit(7)"]),
  ).rejects.toMatchObject({ code: 7 });
  await expect(run(process.execPath, [exec, "no-such-program"])).rejects.toThrow(
    /no-such-program cannot be started/,
  );
});
