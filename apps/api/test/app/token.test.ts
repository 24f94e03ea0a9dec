import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { exchange } from "../support/raw-http.ts";

// Hono compares tokens in constant time. A test that measures time would prove nothing.

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const send = (headers: string) =>
  exchange(
    app.server.url,
    `GET /v1/jobs HTTP/1.1\r\nhost: api\r\n${headers}connection: close\r\n\r\n`,
  );

const utf8 = (text: string) => Buffer.from(text).toString("latin1");

test.each([
  ["no header", ""],
  ["an empty header", "authorization: \r\n"],
  ["the scheme alone", "authorization: Bearer\r\n"],
  ["the scheme and a space", "authorization: Bearer \r\n"],
])("%s is 401", async (_title, headers) => {
  expect((await send(headers)).status).toBe(401);
});

test("every wrong token gets the same answer", async () => {
  const token = "test-token-of-many-characters";
  const wrong = [
    "x",
    "x".repeat(10_000),
    token.slice(0, -1),
    `${token}x`,
    `x${token.slice(1)}`,
    token.toUpperCase(),
    `${token}\xa0`,
    `${token},`,
    `"${token}"`,
    `${token} ${token}`,
    utf8("tést-tökén"),
    utf8("\u{1f511}"),
    "\xff\xfe",
    token.replace("t", "%74"),
  ].map((value) => `authorization: Bearer ${value}\r\n`);
  const good = `authorization: Bearer ${token}\r\n`;
  const others = [
    `authorization: ${token}\r\n`,
    `authorization: Basic ${btoa(`:${token}`)}\r\n`,
    `authorization: Token ${token}\r\n`,
    `authorization: BearerBearer ${token}\r\n`,
    `authorization: Bearer  ${token}\r\n`,
    `authorization: Bearer\t${token}\r\n`,
    `x-authorization: Bearer ${token}\r\n`,
    `proxy-authorization: Bearer ${token}\r\n`,
    `cookie: authorization=Bearer ${token}\r\n`,
    good + good,
    `authorization: Bearer x\r\n${good}`,
    `${good}authorization: Bearer x\r\n`,
  ];
  const answers = await Promise.all([...wrong, ...others].map(send));
  const withoutDate = answers.map(({ head, body }) => head.replace(/^date: .*$/im, "") + body);
  expect([...new Set(withoutDate)]).toEqual([withoutDate[0]]);
  expect(answers[0]?.status).toBe(401);
  expect(answers[0]?.head).toMatch(/^www-authenticate: Bearer$/im);
});

test("the right token is accepted in any case of the scheme and with space around it", async () => {
  const token = "test-token-of-many-characters";
  for (const value of [`Bearer ${token}`, `bearer ${token}`, `  BEARER ${token}  `]) {
    expect((await send(`authorization: ${value}\r\n`)).status).toBe(200);
  }
});
