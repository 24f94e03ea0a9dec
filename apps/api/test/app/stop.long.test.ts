import { spawnSync } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import type { TestProcess } from "../support/process.ts";
import {
  AS_PID_1,
  childOf,
  noPidNamespace,
  type StopWorld,
  startStopWorld,
} from "../support/stop-world.ts";

let world: StopWorld;

beforeAll(async () => {
  world = await startStopWorld();
});
afterAll(() => world.close());

const STOPPING = /Stopping\. Running jobs get up to/;
const LISTENS = /listens on (\S+) /;

const commands: Record<string, (started: TestProcess) => Promise<void>> = {
  "npm run worker": async (started) => {
    await started.waitFor(/The worker runs/);
    await world.runJob();
  },
  "npm start": async (started) => {
    await started.waitFor(LISTENS);
    await world.runJob();
  },
  "npm run start:qstash": async (started) => {
    const [, url = ""] = await started.waitFor(LISTENS);
    await world.runJobOverHttp(url);
  },
};

const ways: Record<string, (started: TestProcess) => Promise<void>> = {
  "SIGTERM to npm": async (started) => started.kill("SIGTERM"),
  "SIGINT to npm": async (started) => started.kill("SIGINT"),
  "Ctrl-C, which signals the whole group, and copies of it": async (started) => {
    started.killGroup("SIGINT");
    await started.waitFor(STOPPING);
    started.killGroup("SIGINT");
  },
  "SIGTERM to npm, twice": async (started) => {
    started.kill("SIGTERM");
    await started.waitFor(STOPPING);
    started.kill("SIGTERM");
  },
};

const shells = ["dash", "bash"].filter((shell) => spawnSync(shell, ["-c", "exit 0"]).status === 0);

/** Starts the command and stops it while a handler runs. Resolves with what became of both. */
async function stopDuringJob(
  command: string,
  stop: (started: TestProcess) => Promise<void>,
  { prefix = [], env = {} }: { prefix?: readonly string[]; env?: Record<string, string> } = {},
): Promise<object> {
  const before = world.mails.length;
  const embedded = command.endsWith("qstash");
  const started = world.start([...prefix, ...command.split(" ")], env, embedded);
  await commands[command]?.(started);
  await stop(started);
  await started.waitFor(STOPPING);
  world.accept();
  return {
    exit: await started.exit,
    runs: world.mails.length - before,
    jobs: await world.jobs(),
    leftovers: await world.leftovers(),
  };
}

const GRACEFUL = { exit: 0, runs: 1, jobs: [], leftovers: [] };

describe.each(Object.keys(commands))("%s", (command) => {
  describe.each(shells)("with %s", (shell) => {
    test.each(Object.entries(ways))("%s: the running handler ends", async (_name, stop) => {
      const env = { npm_config_script_shell: shell };
      expect(await stopDuringJob(command, stop, { env })).toEqual(GRACEFUL);
    });
  });

  test("as PID 1: SIGTERM lets the running handler end", async ({ skip }) => {
    const reason = noPidNamespace();
    if (reason !== undefined) return skip(reason);
    const stop = async (started: TestProcess) =>
      void process.kill(await childOf(started), "SIGTERM");
    expect(await stopDuringJob(command, stop, { prefix: AS_PID_1 })).toEqual(GRACEFUL);
  });
});

test("a handler that outlasts the grace gives its job back, and the process ends", async () => {
  const env = { JOBS_SHUTDOWN_GRACE_MS: "500" };
  const worker = world.start(["npm", "run", "worker"], env);
  await worker.waitFor(/The worker runs/);
  await world.runJob();
  worker.kill("SIGTERM");
  expect(await worker.exit).toBe(0);
  expect(await world.jobs()).toEqual([{ locked_by: null }]);
  expect(await world.leftovers()).toEqual([]);
  await world.database.pool.query("truncate graphile_worker._private_jobs");
});

test("a second Ctrl-C ends at once, and takes the embedded Postgres along", async () => {
  const server = world.start(["npm", "start"], {}, true);
  const [, url = ""] = await server.waitFor(LISTENS);
  await world.runJobOverHttp(url);
  server.killGroup("SIGINT");
  await server.waitFor(STOPPING);
  // Copies of the first one may arrive within a second. A busy process reads them late.
  for (let pressed = 1; pressed < 5 && server.child.exitCode === null; pressed++) {
    await setTimeout(2_000);
    server.killGroup("SIGINT");
    await Promise.race([server.exit, setTimeout(1_000)]);
  }
  expect(await server.exit).toBe(1);
  await eventually("nothing is left", async () => (await world.leftovers()).length === 0);
});

test("a closed terminal lets the running handler end", async ({ skip }) => {
  if (spawnSync("script", ["-qefc", "true", "/dev/null"]).status !== 0) {
    return skip("needs util-linux's script");
  }
  const before = world.mails.length;
  const terminal = world.start(["script", "-qefc", "npm run worker", "/dev/null"], {
    LOG_LEVEL: "debug",
  });
  await terminal.waitFor(/The worker runs/);
  await world.runJob();
  terminal.kill("SIGKILL");
  await terminal.exit;
  world.accept();
  await eventually("the job is done", async () => (await world.jobs()).length === 0);
  await eventually("nothing is left", async () => (await world.leftovers()).length === 0);
  expect(world.mails.length - before).toBe(1);
});

test("a full disk below the log changes nothing", async ({ skip }) => {
  if (process.platform !== "linux") return skip("needs Linux's /dev/full");
  const before = world.mails.length;
  const command = "exec node apps/api/src/worker.ts >/dev/full";
  const worker = world.start(["sh", "-c", command], { LOG_LEVEL: "debug" });
  await world.runJob();
  worker.kill("SIGTERM");
  world.accept();
  expect(await worker.exit).toBe(0);
  expect(world.mails.length - before).toBe(1);
  expect(await world.jobs()).toEqual([]);
});

test("npm run qstash-dev ends on Ctrl-C under npm, and on SIGTERM as PID 1", async ({ skip }) => {
  const command = ["npm", "run", "qstash-dev", "--", "--port", "0"];
  const inTerminal = world.start(command);
  await inTerminal.waitFor(/QSTASH_URL=/);
  inTerminal.killGroup("SIGINT");
  expect(await inTerminal.exit).toBe(0);
  const reason = noPidNamespace();
  if (reason !== undefined) return skip(reason);
  const inContainer = world.start([...AS_PID_1, ...command]);
  await inContainer.waitFor(/QSTASH_URL=/);
  process.kill(await childOf(inContainer), "SIGTERM");
  expect(await inContainer.exit).toBe(0);
  expect(await world.leftovers()).toEqual([]);
});
