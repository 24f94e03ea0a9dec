import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findHome } from "#src/infrastructure/embedded-postgres/postgres-home.ts";
import { startProcess } from "../support/process.ts";

test("one command delivers a reminder over signed HTTP, and both logs show it", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-start-qstash-"));
  await chmod(directory, 0o755);
  const { directory: home } = await findHome(path.join(directory, "postgres"));
  // Three days pass in 26 seconds.
  const server = startProcess(
    "dev/start-qstash.ts",
    { ORBIT_DIRECTORY: directory, PORT: "0", QSTASH_DEV_PORT: "0" },
    ["--speed", "10000"],
  );
  onTestFinished(async () => {
    server.kill("SIGKILL");
    await rm(home, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  });
  const [, url = ""] = await server.waitFor(/listens on (\S+) \(provider: qstash\)/);
  const [, token = ""] = await server.waitFor(/API token: (\S+)/);
  expect(server.stdout().match(/curl -X POST .*/g)).toHaveLength(2);
  const post = (route: string, body: object) =>
    fetch(`${url}${route}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  expect((await post("/v1/workspaces", { slug: "acme", name: "Acme" })).status).toBe(201);
  expect((await post("/v1/workspaces/acme/invites", { email: "a@example.com" })).status).toBe(201);
  await server.waitFor(/"to":"a@example.com".*"msg":"mail sent/);
  await server.waitFor(
    /qstash-dev {2}DELIVERED .*\/v1\/jobs\/run\/workspaces\.invites\.send-reminder/,
  );
  server.kill("SIGTERM");
  expect(await server.exit).toBe(0);
});

test("a wrong option and a needless worker are refused with one message", async () => {
  const refused = startProcess("dev/start-qstash.ts", {}, ["--speed", "fast"]);
  expect(await refused.exit).toBe(1);
  expect(refused.stderr()).toMatch(/--speed must be a number/);
  for (const name of ["PORT", "QSTASH_DEV_PORT"]) {
    const misspelt = startProcess("dev/start-qstash.ts", { [name]: "80a" });
    expect(await misspelt.exit).toBe(1);
    expect(misspelt.stderr()).toContain(`${name} must be a whole number from 0 to 65535`);
  }
  const worker = startProcess("src/worker.ts", {
    JOBS_PROVIDER: "qstash",
    DATABASE_URL: "postgres://localhost/app",
    QSTASH_URL: "http://127.0.0.1:8080",
    QSTASH_TOKEN: "token",
    QSTASH_CURRENT_SIGNING_KEY: "sig_current_key_of_the_tests",
    QSTASH_NEXT_SIGNING_KEY: "sig_next_key_of_the_tests",
    QSTASH_CALLBACK_URL: "http://127.0.0.1:4002",
  });
  expect(await worker.exit).toBe(1);
  expect(worker.stderr()).toMatch(/QStash needs no worker/);
});
