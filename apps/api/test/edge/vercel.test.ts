import { afterAll, describe, expect, test } from "vitest";
import { serverlessCases } from "../support/serverless-cases.ts";
import { buildVercel, startVercelFunction } from "../support/vercel-output.ts";

// The function that would be deployed, called over HTTP as Vercel calls it.

const LIMIT_KIB = 1_400;

const output = await buildVercel();

afterAll(() => output.remove());

describe("on Vercel", () => {
  serverlessCases((port, env) => startVercelFunction(output, port, env));
});

test("the function has no graphile-worker in it and stays small", () => {
  const kib = Math.ceil(Buffer.byteLength(output.code) / 1_024);
  process.stdout.write(`Vercel function: ${kib} KiB (limit ${LIMIT_KIB})\n`);
  expect(output.code).not.toContain("graphile_worker");
  expect(kib).toBeLessThanOrEqual(LIMIT_KIB);
});
