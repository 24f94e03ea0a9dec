import { createServer } from "node:http";
import { createQStashDev, type QStashDevOptions } from "@orbit/qstash-dev";
import { Client } from "@upstash/qstash";
import { expect, onTestFinished, test } from "vitest";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import {
  ProviderRejectedError,
  ProviderUnavailableError,
} from "#src/jobs/application/job-errors.ts";
import { qstash, type QStashOptions } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { bindProvider } from "../support/bind-provider.ts";
import { freePort } from "../support/free-port.ts";
import { qstashOptions } from "../support/qstash-options.ts";

const work = contractJob("contract.work", async () => undefined);

/** A queue on a local QStash. Jobs without a key need no database, so there is none. */
async function open(
  devOptions: QStashDevOptions = {},
  more: Partial<QStashOptions> = {},
  maxPayloadBytes = 1_048_576,
) {
  const dev = createQStashDev(devOptions);
  const url = await dev.start();
  onTestFinished(() => dev.close());
  const options = qstashOptions(url, more);
  const client = new Client({ baseUrl: url, token: dev.token, devMode: false });
  return { dev, options, queue: queueAt(options, maxPayloadBytes), client };
}

const queueAt = (options: QStashOptions, maxPayloadBytes = 1_048_576) =>
  bindProvider(qstash(options), [work], { settings: { maxPayloadBytes } }).queue;

const failure = (work_: Promise<unknown>) =>
  work_.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a job is published to the webhook's URL with its metadata", async () => {
  const { queue, client } = await open();
  await queue.enqueue("contract.work", { a: 1 }, { maxAttempts: 7 });
  const { logs } = await client.logs();
  const url = new URL(logs[0]?.url ?? "");
  expect(url.origin + url.pathname).toBe("https://api.example.com/v1/jobs/run/contract.work");
  expect(url.searchParams.get("maxAttempts")).toBe("7");
});

test("a job exceeds the free plan's limits: 20 attempts, in a year from now", async () => {
  const { queue, client } = await open({ strict: true, plan: "free" });
  const inAYear = new Date(Date.now() + 365 * 86_400_000);
  await queue.enqueue("contract.work", 1, { maxAttempts: 20, runAt: inAYear });
  const { logs } = await client.logs();
  expect(logs).toHaveLength(1);
  const metadata = new URL(logs[0]?.url ?? "").searchParams;
  expect(metadata.get("runAt")).toBe(String(Math.ceil(inAYear.getTime() / 1_000)));
  expect([metadata.get("maxAttempts"), metadata.get("retries")]).toEqual(["20", "3"]);
});

test.each([
  ["token", { token: "wrong" }, {}],
  ["destination", { callbackUrl: "http://localhost:3000" }, { strict: true }],
] as const)("a %s that QStash refuses is named in the error", async (refused, config, options) => {
  const { queue } = await open(options, config);
  const error = await failure(queue.enqueue("contract.work", 1));
  expect(error).toBeInstanceOf(ProviderRejectedError);
  expect(error).toMatchObject({
    code: "jobs.provider_rejected",
    status: 502,
    details: { refused },
  });
  expect(error).toHaveProperty("cause.name", "QstashError");
});

test("an exceeded quota is named in the error, with its limit", async () => {
  const { queue } = await open({ strict: true }, {}, 3_000_000);
  const error = await failure(queue.enqueue("contract.work", "x".repeat(1_500_000)));
  expect(error).toMatchObject({
    code: "jobs.provider_rejected",
    details: { refused: "quota", quota: "maxMessageSize", limit: 1_048_576 },
  });
});

test("the error of a rate limit says when to try again", async () => {
  const { queue } = await open({ faults: { "answer-429": 1 } });
  const error = await failure(queue.enqueue("contract.work", 1));
  expect(error).toBeInstanceOf(ProviderUnavailableError);
  expect(error).toMatchObject({ status: 503 });
  expect(error).toHaveProperty("retryAfterSeconds");
});

test("QStash is unavailable when it fails and when it cannot be reached", async () => {
  const { queue } = await open({ faults: { "answer-500": 1 } });
  expect(await failure(queue.enqueue("contract.work", 1))).toMatchObject({ status: 503 });
  const gone = queueAt(qstashOptions(`http://127.0.0.1:${await freePort()}`));
  const error = await failure(gone.enqueue("contract.work", 1));
  expect(error).toMatchObject({ code: "jobs.provider_unavailable" });
  expect(String(error)).toContain("ECONNREFUSED");
});

test("a lost answer makes no second job", async () => {
  const { client, dev } = await open();
  const proxy = await dropTheFirstAnswer(dev.url);
  const queue = queueAt(qstashOptions(proxy.url));
  await queue.enqueue("contract.work", 1);
  const { logs } = await client.logs();
  expect(new Set(logs.map(({ messageId }) => messageId)).size).toBe(1);
  expect(proxy.requests()).toBe(2);
});

test("enqueueMany publishes batches, and the error of a later batch counts the enqueued jobs", async () => {
  const { queue, client } = await open();
  const jobs = Array.from({ length: 250 }, (_, payload) => ({
    name: "contract.work" as const,
    payload,
  }));
  await queue.enqueueMany(jobs);
  const { logs } = await client.logs({ count: 1_000 });
  expect(new Set(logs.map(({ messageId }) => messageId)).size).toBe(250);

  const large = [...jobs.slice(0, 100), { name: "contract.work" as const, payload: 0 }];
  let calls = 0;
  const failing = await open({
    random: () => (calls++ === 0 ? 1 : 0),
    faults: { "answer-500": 0.5 },
  });
  const error = await failure(failing.queue.enqueueMany(large));
  expect(error).toMatchObject({ status: 503, details: { enqueued: 100 } });
});

test("a sync creates, updates and deletes the schedules of its own namespace only", async () => {
  const { options, client } = await open();
  const scheduled = (cron: string, timezone = "UTC"): JobDefinition =>
    contractJob("contract.work", async () => undefined, {
      schedule: { cron, timezone, payload: { a: 1 } },
    });
  await client.schedules.create({
    destination: "https://example.com",
    cron: "* * * * *",
    scheduleId: "orbit_tests.other_contract.other",
  });
  const id = "orbit_tests_contract.work";
  const sync = async (...jobs: JobDefinition[]) =>
    bindProvider(qstash(options), jobs).syncSchedules?.();
  expect(await sync(scheduled("0 4 * * *"))).toEqual({ created: [id], updated: [], deleted: [] });
  const { createdAt } = await client.schedules.get(id);
  expect(await sync(scheduled("0 4 * * *"))).toEqual({ created: [], updated: [], deleted: [] });
  expect((await client.schedules.get(id)).createdAt).toBe(createdAt);
  expect(await sync(scheduled("0 4 * * *", "Europe/Berlin"))).toMatchObject({ updated: [id] });
  expect((await client.schedules.get(id)).cron).toBe("CRON_TZ=Europe/Berlin 0 4 * * *");
  const respelled = scheduled(" 00 4\n* * * ", "europe/berlin");
  expect(await sync(respelled)).toEqual({ created: [], updated: [], deleted: [] });
  expect(await sync(scheduled("@daily"))).toMatchObject({ updated: [id] });
  expect((await client.schedules.get(id)).cron).toBe("0 0 * * *");
  expect(await sync(work)).toMatchObject({ deleted: [id] });
  expect(await client.schedules.list()).toHaveLength(1);
});

/** A proxy that forwards every request, and closes the connection instead of answering the first. */
async function dropTheFirstAnswer(target: string) {
  let requests = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await request.toArray());
      const answer = await fetch(target + (request.url ?? ""), {
        method: request.method ?? "POST",
        headers: Object.entries(request.headersDistinct)
          .map(([name, values]): [string, string] => [name, values?.join(", ") ?? ""])
          .filter(
            ([name]) =>
              !["host", "connection", "content-length", "transfer-encoding"].includes(name),
          ),
        body,
      });
      requests += 1;
      if (requests === 1) response.destroy();
      else response.writeHead(answer.status).end(await answer.text());
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}`, requests: () => requests };
}
