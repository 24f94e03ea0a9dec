import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { expectPublicError } from "../support/public-error.ts";
import { exchange } from "../support/raw-http.ts";

// Sent over a raw socket, because no HTTP client sends such requests.

let app: TestApp;
let token: string;

beforeAll(async () => {
  app = await startTestApp();
  token = `authorization: Bearer ${app.container.config.apiToken}\r\n`;
  await app.container.jobs.runtime.start();
});
afterAll(() => app.close());

const HOST = "host: api\r\n";
const CLOSE = "connection: close\r\n\r\n";
const CHUNKED = "transfer-encoding: chunked\r\n";

const refused: readonly [string, string, number, string][] = [
  ["a U+0000 in an open path", `POST /v1/invites/%00/accept HTTP/1.1\r\n${HOST}`, 400, "invalid"],
  ["an escaped lone surrogate", `POST /v1/invites/%ed%a0%80/accept HTTP/1.1\r\n${HOST}`, 404, ""],
  ["invalid escapes", `POST /v1/invites/%zz%/accept HTTP/1.1\r\n${HOST}`, 404, ""],
  ["a path of 15,000", `GET /${"a".repeat(15_000)} HTTP/1.1\r\n${HOST}`, 404, "not_found"],
  ["a path of 20,000", `GET /${"a".repeat(20_000)} HTTP/1.1\r\n${HOST}`, 431, "headers_too_large"],
  ["a query of 20,000", `GET /health?${"a".repeat(20_000)} HTTP/1.1\r\n${HOST}`, 431, "headers"],
  ["an unknown method", `BREW /health HTTP/1.1\r\n${HOST}`, 400, "invalid"],
  ["TRACE", `TRACE /health HTTP/1.1\r\n${HOST}`, 404, "not_found"],
  ["PROPFIND", `PROPFIND /health HTTP/1.1\r\n${HOST}`, 404, "not_found"],
  ["OPTIONS of a route", `OPTIONS /health HTTP/1.1\r\n${HOST}`, 404, "not_found"],
  ["OPTIONS *", `OPTIONS * HTTP/1.1\r\n${HOST}`, 400, "invalid"],
  ["an invalid absolute URL", `GET http://[/health HTTP/1.1\r\n${HOST}`, 400, "invalid"],
  ["a backslash in the path", `GET /\\health HTTP/1.1\r\n${HOST}`, 400, "invalid"],
  ["bytes that are not ASCII", `GET /\xe4 HTTP/1.1\r\n${HOST}`, 400, "invalid"],
  ["another host as the path", `GET //evil.example/health HTTP/1.1\r\n${HOST}`, 404, "not_found"],
  ["no Host", "GET /health HTTP/1.1\r\n", 400, "invalid"],
  ["HTTP/1.0 without Host", "GET /health HTTP/1.0\r\n", 400, "invalid"],
  ["a Host with a path", "GET /health HTTP/1.1\r\nhost: a/v1/jobs\r\n", 400, "invalid"],
  ["a Host with a user", "GET /health HTTP/1.1\r\nhost: a@b c\r\n", 400, "invalid"],
  ["not HTTP", "\x16\x03\x01\x02\r\n", 400, "invalid"],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n", 400, "invalid"],
  ["an expectation", `GET /health HTTP/1.1\r\n${HOST}expect: tea\r\n`, 417, "invalid"],
  ["two lengths", `POST /v1/jobs HTTP/1.1\r\n${HOST}content-length: 3\r\n${CHUNKED}`, 400, ""],
  ["a negative length", `POST /v1/jobs HTTP/1.1\r\n${HOST}content-length: -3\r\n`, 400, "invalid"],
  ["a header name with a space", `GET /health HTTP/1.1\r\n${HOST}a b: c\r\n`, 400, "invalid"],
];

describe("a malformed request is refused in the documented form", () => {
  test.each(refused)("%s", async (_title, head, status, code) => {
    const answer = await exchange(app.server.url, head + CLOSE);
    expect(answer.status).toBe(status);
    const type = /^content-type: (.*)$/im.exec(answer.head)?.[1] ?? null;
    expect(expectPublicError(type, answer.body)).toContain(code);
  });

  test("with the token: U+0000 in a path, and an invalid chunk", async () => {
    for (const route of [
      "GET /v1/workspaces/%00/invites",
      "DELETE /v1/workspaces/a%00/invites/0199c2f4-0000-7000-8000-000000000000",
    ]) {
      const answer = await exchange(app.server.url, `${route} HTTP/1.1\r\n${HOST}${token}${CLOSE}`);
      expect(answer.status).toBe(400);
    }
    const chunked = `POST /v1/workspaces HTTP/1.1\r\n${HOST}${token}${CHUNKED}${CLOSE}zz\r\n\r\n`;
    expect((await exchange(app.server.url, chunked)).status).toBe(400);
    expect(app.logged).toEqual([]);
  });
});

describe("an odd but valid request is served", () => {
  test.each([
    ["HEAD", `HEAD /health HTTP/1.1\r\n${HOST}`],
    ["an absolute URL of another host", `GET http://evil.example/health HTTP/1.1\r\n${HOST}`],
    ["two hosts", `GET /health HTTP/1.1\r\n${HOST}${HOST}`],
    ["dots in the path", `GET /v1/../health HTTP/1.1\r\n${HOST}`],
    ["an upgrade", `GET /health HTTP/1.1\r\n${HOST}upgrade: websocket\r\n`],
    ["a body with GET", `GET /health HTTP/1.1\r\n${HOST}content-length: 0\r\n`],
  ])("%s", async (_title, head) => {
    const answer = await exchange(app.server.url, head + CLOSE);
    expect(answer.status).toBe(200);
  });

  test("CONNECT ends the connection", async () => {
    const answer = await exchange(app.server.url, `CONNECT a:1 HTTP/1.1\r\n${HOST}${CLOSE}`);
    expect(answer.status).toBe(0);
  });
});
