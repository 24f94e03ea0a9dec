import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { PermanentJobError } from "#src/jobs/application/job-errors.ts";
import type { JsonValue } from "#src/jobs/application/job-types.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { startTestApp } from "../support/app.ts";
import {
  CALLBACK_URL,
  CURRENT_KEY,
  NEXT_KEY,
  openWebhook,
  type Webhook,
} from "../support/webhook.ts";

const SECRET = "s3cret of the database";
const runs: { payload: JsonValue; attempt: number; jobId: string }[] = [];
let webhook: Webhook;

beforeAll(async () => {
  webhook = await openWebhook([
    contractJob(
      "contract.work",
      async (payload, { attempt, jobId }) => {
        runs.push({ payload, attempt, jobId });
        if (payload === "fails") throw new Error(SECRET);
        if (payload === "permanently") throw new PermanentJobError(SECRET);
      },
      {
        maxAttempts: 5,
        schema: {
          "~standard": {
            version: 1,
            vendor: "test",
            validate: (value) =>
              value === "refused"
                ? { issues: [{ message: "not this" }] }
                : { value: z.json().parse(value) },
          },
        },
      },
    ),
    contractJob("contract.other", async (payload) => {
      runs.push({ payload, attempt: 0, jobId: "other" });
    }),
  ]);
});
afterEach(() => {
  runs.length = 0;
  vi.unstubAllEnvs();
});
afterAll(() => webhook.close());

describe("a delivery that QStash signed runs", () => {
  test("with the current key, and with the next one", async () => {
    expect((await webhook.deliver("contract.work", "1")).status).toBe(200);
    expect(
      (await webhook.deliver("contract.work", "2", { signed: { key: NEXT_KEY } })).status,
    ).toBe(200);
    expect(runs.map(({ payload }) => payload)).toEqual([1, 2]);
  });

  test("upstash-retried + 1 is the attempt, and the message id is the job id", async () => {
    await webhook.deliver("contract.work", "1", {
      headers: { "upstash-retried": "2", "upstash-message-id": "msg_1" },
    });
    expect(runs).toEqual([{ payload: 1, attempt: 3, jobId: "msg_1" }]);
  });

  test("QSTASH_DEV in the environment changes nothing", async () => {
    vi.stubEnv("QSTASH_DEV", "true");
    expect((await webhook.deliver("contract.work", "1")).status).toBe(200);
    const key = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r";
    expect((await webhook.deliver("contract.work", "1", { signed: { key } })).status).toBe(401);
  });
});

describe("any other delivery is refused, and the log says why", () => {
  test.each([
    [
      "another URL",
      { url: `${CALLBACK_URL}/v1/jobs/run/contract.other` },
      /signed for another URL/,
    ],
    ["expired", { age: 301 }, /expired/],
    ["not valid yet", { age: -60 }, /not valid yet/],
    ["another body", { body: "2" }, /signed for another body/],
    ["another query", { url: `${CALLBACK_URL}/v1/jobs/run/contract.work?id=1` }, /another URL/],
    ["another issuer", { claims: { iss: "Another" } }, /issuer is not Upstash/],
    ["another key", { key: "sig_other" }, /neither QSTASH_CURRENT_SIGNING_KEY nor/],
    ["no algorithm", { algorithm: "none" }, /algorithm/],
    ["another algorithm", { algorithm: "HS512" }, /algorithm/],
  ] as const)("%s", async (_title, signed, reason) => {
    const before = webhook.logged.length;
    const answer = await webhook.deliver("contract.work", "1", { signed });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({
      error: {
        code: "jobs.invalid_signature",
        message: "The signature of this delivery is not valid.",
      },
    });
    expect(JSON.stringify(webhook.logged.slice(before))).toMatch(reason);
    expect(JSON.stringify(webhook.logged)).not.toContain(CURRENT_KEY);
    expect(runs).toEqual([]);
  });

  test.each([
    ["", "there is no Upstash-Signature"],
    ["no.JWT.either", "the signature is not a JWT"],
  ])("'%s' as a signature: %s", async (signature, problem) => {
    const headers = { "upstash-signature": signature };
    const answer = await webhook.deliver("contract.work", "1", { headers });
    expect(answer.status).toBe(401);
    expect(webhook.logged.at(-1)?.fields).toEqual({ job: "contract.work", problem });
  });

  test("the answer does not tell whether the job is known", async () => {
    const signed = { key: "sig_other" };
    expect((await webhook.deliver("of-another-version", "1", { signed })).status).toBe(401);
  });
});

describe("the answers", () => {
  test("500 for a failed attempt, with the contract's back-off and without the error's text", async () => {
    const answer = await webhook.deliver("contract.work", '"fails"', {
      headers: { "upstash-retried": "1" },
    });
    expect(answer.status).toBe(500);
    expect(answer.headers.get("retry-after")).toBe(String(Math.ceil(Math.exp(2))));
    expect(await answer.text()).not.toContain(SECRET);
  });

  test.each([
    ["a body that is not JSON", "{", "msg_a", {}],
    ["a payload that its schema refuses", '"refused"', "msg_b", {}],
    ["a PermanentJobError", '"permanently"', "msg_c", {}],
    ["the last attempt", '"fails"', "msg_d", { "upstash-retried": "4" }],
  ])("489 for %s", async (_title, body, id, headers) => {
    const answer = await webhook.deliver("contract.work", body, {
      headers: { "upstash-message-id": id, ...headers },
    });
    expect(answer.status).toBe(489);
    expect(answer.headers.get("upstash-nonretryable-error")).toBe("true");
    expect(await answer.text()).not.toContain(SECRET);
  });

  test("404 for a job that this instance lacks", async () => {
    const answer = await webhook.deliver("of-another-version", "1");
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: "jobs.unknown_job" } });
  });

  test("a byte order mark is part of the body, and other encodings than UTF-8 are refused", async () => {
    const bom = new Uint8Array([0xef, 0xbb, 0xbf, 0x31]);
    const headers = { "upstash-message-id": "msg_bom" };
    expect((await webhook.deliver("contract.work", bom, { headers })).status).toBe(489);
    expect((await webhook.deliver("contract.work", new Uint8Array([0xff]))).status).toBe(401);
    expect(runs).toEqual([]);
  });
});

test("the route exists only with qstash, and refuses a large body before it verifies anything", async () => {
  const graphile = await startTestApp();
  for (const authorization of [`Bearer ${graphile.container.config.apiToken}`, ""]) {
    const route = "/v1/jobs/run/cleanup.stale-invites";
    const answer = await graphile.request("POST", route, {}, { authorization });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ error: { code: "request.not_found" } });
  }
  await graphile.close();
  const qstash = await startTestApp({
    JOBS_PROVIDER: "qstash",
    JOBS_MAX_PAYLOAD_BYTES: "1000",
    QSTASH_URL: "http://127.0.0.1:1",
    QSTASH_TOKEN: "token",
    QSTASH_CURRENT_SIGNING_KEY: CURRENT_KEY,
    QSTASH_NEXT_SIGNING_KEY: NEXT_KEY,
    QSTASH_CALLBACK_URL: "http://127.0.0.1:2",
  });
  const path = "/v1/jobs/run/cleanup.stale-invites";
  expect((await qstash.request("POST", path, "x".repeat(1_001))).status).toBe(413);
  expect((await qstash.request("POST", path, "x".repeat(1_000))).status).toBe(401);
  await qstash.close();
});
