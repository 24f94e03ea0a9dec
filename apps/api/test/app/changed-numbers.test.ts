import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { changedNumbers } from "#src/interfaces/http/changed-numbers.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp, type TestApp } from "../support/app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function waitingPayloads(): Promise<readonly string[]> {
  const { rows } = await app.database.pool.query<{ payload: string }>(
    "delete from graphile_worker._private_jobs returning payload::text",
  );
  return rows.map(({ payload }) => payload);
}

const post = (payload: string) =>
  app.request("POST", "/v1/jobs", `{"name":"cleanup.stale-invites","payload":${payload}}`);

const refusal = z.object({
  error: z.object({
    code: z.literal("jobs.invalid_payload"),
    message: z.string(),
    issues: z.array(z.object({ path: z.string(), message: z.string() })),
  }),
});

async function refusedPaths(payload: string): Promise<readonly string[]> {
  const { status, body } = await post(payload);
  expect(status).toBe(422);
  expect(await waitingPayloads()).toEqual([]);
  return refusal.parse(body).error.issues.map(({ path }) => path);
}

test("a body with an integer beyond 2^53 is refused before anything is enqueued, with path and value", async () => {
  const answer = await post('{"olderThanHours":9007199254740993}');
  expect(answer.status).toBe(422);
  expect(refusal.parse(answer.body).error).toEqual({
    code: "jobs.invalid_payload",
    message:
      'The payload of job "cleanup.stale-invites" is wrong: olderThanHours: 9007199254740993 would become ' +
      "9007199254740992; send it as a string",
    issues: [
      {
        path: "olderThanHours",
        message: "9007199254740993 would become 9007199254740992; send it as a string",
      },
    ],
  });
  expect(await waitingPayloads()).toEqual([]);
});

test("every number that changes is named, however deep it lies", async () => {
  const payload =
    '{"a":[1,[2,{"n \\"x\\"": -9007199254740993}], 1e400],"text":"9007199254740993","\\u0062":{"c":-1e309},"d":1e-400}';
  expect(await refusedPaths(payload)).toEqual(['a.1.1.n "x"', "a.2", "b.c", "d"]);
  expect(await refusedPaths("18446744073709551616")).toEqual([""]);
  expect(await refusedPaths(`[${"1e999,".repeat(5_000)}1]`)).toHaveLength(100);
  const deep = `${"[".repeat(20_000)}1e999${"]".repeat(20_000)}`;
  expect((await refusedPaths(deep))[0]?.length).toBeLessThan(100);
});

describe("numbers in a payload", () => {
  test.each([
    "9007199254740993.0",
    "90071992547409930e-1",
    "9.007199254740993E15",
    "12345678901234567.5",
    "100000000000000000000001",
    "9".repeat(400),
    "-1e400",
    "1e-400",
  ])("%s is refused", async (literal) => {
    expect(await refusedPaths(`{"olderThanHours":${literal}}`)).toEqual(["olderThanHours"]);
  });

  test.each([
    "9007199254740991",
    "9007199254740992",
    "9007199254740994",
    "1e23",
    "6.02214076e23",
    "1.7976931348623157e308",
    "0.1000000000000000055511151231257827",
    "5e-324",
    "0e-400",
    "0.0",
    "1E2",
  ])("%s is accepted, and the handler gets the same number", async (literal) => {
    const { status } = await post(`{"olderThanHours":${literal}}`);
    expect(status).toBe(202);
    expect(await waitingPayloads()).toEqual([JSON.stringify({ olderThanHours: Number(literal) })]);
  });
});

test("of any JSON text, exactly the numbers that a decimal comparison finds are found", () => {
  const literal = fc.oneof(
    fc.bigInt().map(String),
    fc.bigInt({ min: 2n ** 52n, max: 2n ** 70n }).map(String),
    fc.tuple(fc.bigInt(), fc.integer({ min: 0, max: 330 })).map(([n, e]) => `${n}e${e}`),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  );
  const tree = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      literal,
      fc.json(),
      fc.array(tie("node")).map((items) => `[${items.join(" ,")}]`),
      fc
        .array(fc.tuple(fc.string(), tie("node")))
        .map((entries) => `{${entries.map(([k, v]) => `${JSON.stringify(k)} :${v}`).join()}}`),
    ),
  })).node;
  fc.assert(
    fc.property(tree, (text) => {
      const found = new Set([...changedNumbers(text)].map((number) => number.literal));
      JSON.parse(text, function check(_key, value: unknown, context?: { source?: string }) {
        const source = context?.source;
        if (typeof value === "number" && source !== undefined && /^-?\d+(e\d+)?$/.test(source)) {
          expect([source, found.has(source)]).toEqual([source, !isSame(source, value)]);
        }
        return value;
      });
    }),
    { numRuns: 500, seed: 18 },
  );
});

/** Compares as integers of any size. */
function isSame(source: string, value: number): boolean {
  return Number.isFinite(value) && integer(source) === integer(String(value));
}

function integer(text: string): bigint {
  const [, sign, whole = "", fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e\+?(\d+))?$/.exec(text) ?? [];
  const size = BigInt(whole + fraction) * 10n ** BigInt(Number(power) - fraction.length);
  return sign === "-" ? -size : size;
}

test("a long text of digits takes no longer than its length explains", () => {
  const text = `[9007199254740993.${"0".repeat(1_000_000)}1, "${"\\".repeat(1_000_000)}"]`;
  const began = performance.now();
  expect([...changedNumbers(text)]).toHaveLength(1);
  expect(performance.now() - began).toBeLessThan(1_000);
});

test("the payload of another program is shown as text if a number in it would change", async () => {
  await app.database.pool.query(
    `select graphile_worker.add_job('cleanup.stale-invites', '{"id": 9007199254740993}', max_attempts := 1)`,
  );
  await app.container.jobs.runtime.start();
  const listed = z.object({ jobs: z.array(z.object({ id: z.string(), payload: z.unknown() })) });
  const list = async () => listed.parse((await app.request("GET", "/v1/jobs/dead")).body).jobs;
  await eventually("the job is dead", async () => (await list()).length === 1);
  const [dead] = await list();
  expect(dead?.payload).toBe('{"id": 9007199254740993}');
  // A replay keeps the text, too.
  await app.container.jobs.runtime.stop();
  expect((await app.request("POST", `/v1/jobs/dead/${dead?.id}/replay`)).status).toBe(202);
  expect(await waitingPayloads()).toEqual(['{"id": 9007199254740993}']);
});
