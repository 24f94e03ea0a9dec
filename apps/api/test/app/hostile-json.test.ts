import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SMALL_BODY_BYTES } from "#src/interfaces/http/limits.ts";
import { databaseState } from "../support/database-state.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { errorProblem } from "../support/public-error.ts";

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

async function post(path: string, body: string | Uint8Array<ArrayBuffer>, headers = {}) {
  const response = await fetch(app.server.url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${app.container.config.apiToken}`,
      "content-type": "application/json",
      ...headers,
    },
    body,
  });
  const text = await response.text();
  return {
    status: response.status,
    problem: errorProblem(response.headers.get("content-type"), text),
  };
}

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const job = (payload: string, more = "") =>
  `{"name":"cleanup.stale-invites","payload":${payload}${more}}`;
const workspace = (name: string, more = "") => `{"slug":"beta","name":${name}${more}}`;
const GOOD = workspace('"Beta"');

const hostile: readonly [string, string, string | Uint8Array<ArrayBuffer>, number, object?][] = [
  ["30,000 levels", "/v1/workspaces", workspace(nested(30_000)), 422],
  ["100,000 levels", "/v1/jobs", job(nested(100_000)), 422],
  ["100,000 unclosed levels", "/v1/jobs", "[".repeat(100_000), 422],
  ["100,000 levels beside the name", "/v1/jobs", job("{}", `,"jobKey":${nested(100_000)}`), 422],
  ["__proto__", "/v1/workspaces", workspace('"Beta"', ',"__proto__":{"admin":true}'), 422],
  ["__proto__ among a job's options", "/v1/jobs", job("{}", ',"__proto__":{"x":1}'), 422],
  ["__proto__ in a payload", "/v1/jobs", job('{"__proto__":{"olderThanHours":1}}'), 422],
  ["constructor", "/v1/workspaces", workspace('"Beta"', ',"constructor":{"prototype":{}}'), 422],
  [
    "a duplicate key whose last value is invalid",
    "/v1/workspaces",
    workspace('"Beta","name":1'),
    422,
  ],
  ["a lone surrogate", "/v1/workspaces", workspace('"\\ud800"'), 422],
  ["an escaped U+0000", "/v1/workspaces", workspace('"a\\u0000b"'), 422],
  ["a raw U+0000", "/v1/workspaces", workspace('"a\0b"'), 400],
  [
    "a U+0000 in an email address",
    "/v1/workspaces/acme/invites",
    '{"email":"a\\u0000@example.com"}',
    422,
  ],
  ["a number of 400 digits", "/v1/jobs", job(`{"olderThanHours":${"9".repeat(400)}}`), 422],
  ["1e999 attempts", "/v1/jobs", job('{"olderThanHours":1}', ',"maxAttempts":1e999'), 422],
  ["the year 0", "/v1/jobs", job('{"olderThanHours":1}', ',"runAt":"0000-01-01T00:00:00Z"'), 422],
  ["NaN", "/v1/workspaces", workspace("NaN"), 400],
  ["only a byte order mark", "/v1/workspaces", "\ufeff", 400],
  ["bytes that are not UTF-8", "/v1/workspaces", Uint8Array.of(0xff, 0xfe, 0x22), 400],
  ["gzip", "/v1/workspaces", gzipSync(GOOD), 415, { "content-encoding": "gzip" }],
  [
    "100 MB in a small gzip",
    "/v1/jobs",
    gzipSync(Buffer.alloc(1e8)),
    422,
    { "content-encoding": "gzip" },
  ],
  [
    "a form",
    "/v1/workspaces",
    "slug=beta",
    415,
    { "content-type": "application/x-www-form-urlencoded" },
  ],
  ["text", "/v1/workspaces", GOOD, 415, { "content-type": "text/plain" }],
  [
    "a content type that only starts like JSON",
    "/v1/workspaces",
    GOOD,
    415,
    { "content-type": "application/jsonp" },
  ],
  ["a body over the limit", "/v1/workspaces", `${GOOD}${" ".repeat(SMALL_BODY_BYTES)}`, 413],
];

describe("hostile JSON is refused in the documented form", () => {
  test.each(hostile)("%s (%s)", async (_title, path, body, status, headers) => {
    const before = await databaseState(app.database);
    expect(await post(path, body, headers)).toEqual({ status, problem: undefined });
    expect(await databaseState(app.database)).toEqual(before);
    expect(app.logged).toEqual([]);
  });
});

test("JSON content types and bodies up to the limit are accepted", async () => {
  const padding = " ".repeat(SMALL_BODY_BYTES - workspace('"Beta"').length - 2);
  for (const [index, type] of [
    "application/json; charset=utf-8",
    "application/vnd.api+json",
  ].entries()) {
    const body = workspace('"Beta"').replace("beta", `beta-${index}`) + padding;
    expect((await post("/v1/workspaces", body, { "content-type": type })).status).toBe(201);
  }
});
