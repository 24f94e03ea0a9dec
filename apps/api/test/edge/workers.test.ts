import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../support/database.ts";
import { freePort } from "../support/free-port.ts";
import { serverlessCases } from "../support/serverless-cases.ts";
import { bundleWorker, startWorker } from "../support/worker-bundle.ts";

// The bundle that would be deployed, in the runtime that would run it.

const LIMIT_KIB = 1_400;
const LIMIT_GZIP_KIB = 340;

const code = await bundleWorker();

describe("on Cloudflare Workers", () => {
  serverlessCases((port, env) => startWorker(code, port, env));
});

test("the bundle has no graphile-worker in it and stays small", async () => {
  const kib = Math.ceil(Buffer.byteLength(code) / 1_024);
  const gzipKib = Math.ceil(gzipSync(code).length / 1_024);
  process.stdout.write(
    `Workers bundle: ${kib} KiB (limit ${LIMIT_KIB}), gzipped ${gzipKib} KiB (limit ${LIMIT_GZIP_KIB})\n`,
  );
  expect(code).not.toContain("graphile_worker");
  expect(kib).toBeLessThanOrEqual(LIMIT_KIB);
  expect(gzipKib).toBeLessThanOrEqual(LIMIT_GZIP_KIB);
  const guide = new URL("../../../../docs/guides/serverless.md", import.meta.url);
  expect(await readFile(guide, "utf8")).toContain(`${LIMIT_GZIP_KIB} KiB`);
});

test("a Hyperdrive binding is the database where there is one", async () => {
  const database = await createTestDatabase();
  const port = await freePort();
  const env = {
    ORBIT_API_TOKEN: "token-of-the-worker-in-the-tests",
    DATABASE_URL: "postgres://nobody@127.0.0.1:1/nowhere",
  };
  const worker = await startWorker(code, port, env, { HYPERDRIVE: database.url });
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    expect(await response.json()).toMatchObject({ database: "up" });
  } finally {
    await worker.stop();
    await database.drop();
  }
});

test("a rejection that nothing awaits fails its own run", async () => {
  const port = await freePort();
  const strayErrors = await bundleWorker("test/support/stray-errors-worker.ts");
  const worker = await startWorker(strayErrors, port, {});
  const run = async (payload: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: payload });
    return answer.json();
  };
  try {
    const answers = await Promise.all(["at once", "none", "in a timer"].map(run));
    expect(answers).toEqual([
      { status: "failed", message: 'floating "at once"' },
      { status: "succeeded" },
      { status: "failed", message: 'floating "in a timer"' },
    ]);
  } finally {
    await worker.stop();
  }
});
