import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { findHome } from "#src/infrastructure/embedded-postgres/postgres-home.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { jobDirectory } from "../src/job-files.ts";
import { listJobs } from "./directory-harness.ts";

/** The whole change to the host app, at the end of apps/api/src/jobs/providers.ts. */
const ONE_LINE = `export { directoryFromEnv as directory } from "../../../../examples/directory-provider/src/directory-provider.ts";`;

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

let root: string;
let postgres: string;
let app: ChildProcess | undefined;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "orbit-host-"));
  await chmod(root, 0o755);
  postgres = path.join(root, "postgres");
});

afterEach(async () => {
  if (app?.pid !== undefined && app.exitCode === null) {
    process.kill(-app.pid, "SIGKILL");
    // A killed app leaves its Postgres running. The next start takes it over and can stop it.
    await (await startEmbeddedPostgres({ directory: postgres })).stop();
  }
  const { directory: home } = await findHome(postgres);
  await rm(home, { recursive: true, force: true });
  await rm(root, { recursive: true, force: true });
});

/** Runs `npm start` in a process group of its own, on its embedded Postgres. */
function npmStart(env: Record<string, string>) {
  const started = spawn("npm", ["start"], {
    cwd: REPOSITORY,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: [path.dirname(process.execPath), process.env["PATH"]].join(path.delimiter),
      HOME: root,
      npm_config_update_notifier: "false",
      NODE_OPTIONS: `--import=${new URL("append-line.ts", import.meta.url).href}`,
      APPENDED_LINE: ONE_LINE,
      ORBIT_DIRECTORY: root,
      PORT: "0",
      ...env,
    },
  });
  let text = "";
  for (const stream of [started.stdout, started.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  }
  return Object.assign(started, { output: () => text });
}

test("with one line added, npm start runs its jobs on the directory", async () => {
  const jobs = path.join(root, "jobs");
  const started = npmStart({ JOBS_PROVIDER: "directory", JOBS_DIRECTORY: jobs });
  app = started;
  const exited = once(started, "exit");
  while (!started.output().includes("API token: ")) {
    await Promise.race([once(started.stdout, "data"), exited]);
    if (started.exitCode !== null) throw new Error(`npm start ended:\n${started.output()}`);
  }
  const [, url = ""] = /listens on (\S+) \(provider: directory\)/.exec(started.output()) ?? [];
  const [, token = ""] = /API token: (\S+)/.exec(started.output()) ?? [];
  const request = async (method: string, route: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}${route}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    return response.json();
  };

  expect(await request("GET", "/health")).toEqual({
    status: "ok",
    provider: "directory",
    worker: "working",
    database: "up",
  });
  await request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
  await request("POST", "/v1/workspaces/acme/invites", { email: "you@example.com" });
  const folders = jobDirectory(jobs);
  // The jobs of the events run at once.
  await eventually("only the reminder waits", async () => {
    return (await listJobs(folders.waiting)).length === 1;
  });
  const [reminder] = await listJobs(folders.waiting);
  expect(reminder?.name).toBe("workspaces.invites.send-reminder");
  expect(reminder?.runAt).toBeGreaterThan(Date.now() + 2 * 86_400_000);

  const { name, payload } = reminder ?? {};
  await request("POST", "/v1/jobs", { name, payload });
  await eventually("the reminder is sent", async () =>
    JSON.stringify(await request("GET", "/v1/dev/mails")).includes("you@example.com"),
  );

  started.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
  expect(await listJobs(folders.waiting)).toEqual([reminder]);
  expect(await readdir(folders.running)).toEqual([]);
});

test("npm start without JOBS_DIRECTORY says what is missing", async () => {
  const started = npmStart({ JOBS_PROVIDER: "directory" });
  app = started;
  expect(await once(started, "exit")).toEqual([1, null]);
  expect(started.output()).toContain("JOBS_DIRECTORY must be the path of a directory");
});
