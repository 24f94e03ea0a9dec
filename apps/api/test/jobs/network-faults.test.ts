import { describe, type TestContext, test } from "vitest";
import { openPool } from "#src/infrastructure/database.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase } from "../support/database.ts";
import { graphileParts } from "../support/graphile-parts.ts";
import { openQStashWorld } from "../support/qstash-harness.ts";
import { silentLog } from "../support/silent-log.ts";
import { openTcpProxy } from "../support/tcp-proxy.ts";

type OnTestFinished = TestContext["onTestFinished"];

const UNAVAILABLE = { code: "jobs.provider_unavailable", status: 503 };

/** The app's pool behind a proxy, and a queue on that pool. */
async function queueBehindProxy(onTestFinished: OnTestFinished, queryTimeoutMs?: number) {
  const database = await createTestDatabase();
  const network = await openTcpProxy(database.url);
  const pool = openPool(network.url, silentLog, queryTimeoutMs ? { queryTimeoutMs } : {});
  onTestFinished(async () => {
    await network.close();
    await pool.end();
    await database.drop();
  });
  const idle = contractJob("contract.work", async () => undefined);
  const { queue } = graphileParts([idle], { url: network.url, pool });
  const stored = async () =>
    (await database.pool.query("select from graphile_worker.jobs")).rows.length;
  return { queue, network, stored };
}

describe.concurrent("an enqueue that gets no answer", () => {
  test("rejects when the connection breaks, and the next enqueue works", async ({
    expect,
    onTestFinished,
  }) => {
    const { queue, network, stored } = await queueBehindProxy(onTestFinished);
    await queue.enqueue("contract.work", 1);
    network.stall();
    const cut = expect(queue.enqueue("contract.work", 2)).rejects.toMatchObject(UNAVAILABLE);
    network.cut();
    await cut;
    network.flow();
    await queue.enqueue("contract.work", 3);
    expect(await stored()).toBe(2);
  });

  test("rejects when the statement times out on an open connection", async ({
    expect,
    onTestFinished,
  }) => {
    const { queue, network } = await queueBehindProxy(onTestFinished, 300);
    await queue.enqueue("contract.work", 1);
    network.stall();
    await expect(queue.enqueue("contract.work", 2)).rejects.toMatchObject(UNAVAILABLE);
    network.flow();
    // The pool does not use the silent connection again.
    await queue.enqueue("contract.work", 3);
  });

  test("rejects within seconds when the connect gets no answer", async ({
    expect,
    onTestFinished,
  }) => {
    const { queue, network, stored } = await queueBehindProxy(onTestFinished);
    network.stall();
    await expect(queue.enqueue("contract.work", 1)).rejects.toMatchObject(UNAVAILABLE);
    network.flow();
    expect(await stored()).toBe(0);
    await queue.enqueue("contract.work", 2);
  });

  test("rejects at once when connections are refused", async ({ expect, onTestFinished }) => {
    const { queue, network } = await queueBehindProxy(onTestFinished);
    network.refuse();
    await expect(queue.enqueue("contract.work", 1)).rejects.toMatchObject(UNAVAILABLE);
    network.flow();
    await queue.enqueue("contract.work", 2);
  });

  test("rejects on qstash, and a second try with the key makes one job", async ({
    expect,
    onTestFinished,
  }) => {
    const runs = createProbe<unknown>();
    const job = contractJob("contract.work", async (payload) => runs.report(payload));
    const world = await openQStashWorld([job]);
    onTestFinished(() => world.close());
    const enqueue = () => world.queue.enqueue("contract.work", 1, { jobKey: "k" });
    // For all tries of the client.
    world.qstash.faults.set({ "drop-answer": { probability: 1, times: 3 } });
    await expect(enqueue()).rejects.toMatchObject(UNAVAILABLE);
    await enqueue();
    expect(await world.pendingCount()).toBe(1);
    await world.runtime().start();
    expect(await runs.next()).toBe(1);
    await eventually("it is done", async () => (await world.pendingCount()) === 0);
    expect(runs.unread).toEqual([]);
  });
});
