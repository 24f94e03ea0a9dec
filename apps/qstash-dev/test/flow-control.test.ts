import { describe, expect, test } from "vitest";
import { BEGINNING, MINUTE, openWorld, SECOND } from "./support/world.ts";

describe("flow control", () => {
  test("limits the deliveries in a period", async () => {
    const { client, clock, destination } = await openWorld();
    const flowControl = { key: "api", rate: 2, period: "1m" } as const;
    for (let n = 0; n < 5; n++) await client.publish({ url: destination.url, flowControl });
    await clock.settle();
    expect(destination.received).toHaveLength(2);
    expect(await client.flowControl.get("api")).toEqual({
      flowControlKey: "api",
      waitListSize: 3,
      parallelismMax: 0,
      parallelismCount: 0,
      rateMax: 2,
      rateCount: 2,
      ratePeriod: 60,
      ratePeriodStart: BEGINNING / 1_000,
      isPaused: false,
      isPinnedParallelism: false,
      isPinnedRate: false,
    });
    await clock.advance(MINUTE - 1);
    expect(destination.received).toHaveLength(2);
    await clock.advance(1);
    expect(destination.received).toHaveLength(4);
    await client.flowControl.resetRate("api");
    await clock.settle();
    expect(destination.received).toHaveLength(5);
  });

  test("limits the deliveries at a time", async () => {
    const { client, clock, destination } = await openWorld();
    const release = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    destination.answer(async () => {
      arrived.resolve();
      await release.promise;
      return {};
    });
    const flowControl = { key: "api", parallelism: 1 };
    for (let n = 0; n < 3; n++) await client.publish({ url: destination.url, flowControl });
    await arrived.promise;
    expect(await client.flowControl.get("api")).toMatchObject({
      waitListSize: 2,
      parallelismMax: 1,
      parallelismCount: 1,
    });
    expect(await client.flowControl.getGlobalParallelism()).toEqual({
      parallelismMax: 0,
      parallelismCount: 1,
    });
    expect(destination.received).toHaveLength(1);
    release.resolve();
    await clock.settle();
    expect(destination.received).toHaveLength(3);
  });

  test("counts neither running nor earlier deliveries after a reset", async () => {
    const { call, client, clock, destination } = await openWorld();
    const release = Promise.withResolvers<void>();
    const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    destination.answer(async (_request, count) => {
      arrived[count - 1]?.resolve();
      await release.promise;
      return {};
    });
    const flowControl = { key: "api", parallelism: 1, rate: 1, period: "1h" } as const;
    for (let n = 0; n < 3; n++) await client.publish({ url: destination.url, flowControl });
    await arrived[0]?.promise;
    expect((await call("POST", "/v2/flowControl/api/reset")).status).toBe(200);
    await arrived[1]?.promise;
    const shown = { waitListSize: 1, parallelismCount: 1, rateCount: 1 };
    expect(await client.flowControl.get("api")).toMatchObject(shown);
    release.resolve();
    await clock.settle();
    expect(await client.flowControl.get("api")).toMatchObject({ ...shown, parallelismCount: 0 });

    await call("POST", "/v2/flowControl/other/reset");
    expect(await client.flowControl.get("other")).toMatchObject({ rateCount: 0 });
  });

  test("lists the keys that contain a text", async () => {
    const { call, client } = await openWorld();
    for (const key of ["mail", "mail-slow", "sms"]) await client.flowControl.pause(key);
    const response = await call("GET", "/v2/flowControl?search=mail");
    expect(await response.json()).toMatchObject([
      { flowControlKey: "mail" },
      { flowControlKey: "mail-slow" },
    ]);
  });

  test("does not count a message that waits for a retry", async () => {
    const { client, clock, destination } = await openWorld();
    destination.answer(({ url }) => ({ status: url.endsWith("/bad") ? 500 : 200 }));
    const flowControl = { key: "api", parallelism: 1 };
    await client.publish({ url: `${destination.url}/bad`, flowControl });
    await client.publish({ url: `${destination.url}/good`, flowControl });
    await clock.settle();
    expect(destination.received).toHaveLength(2);
  });

  test("delivers nothing while the key is paused", async () => {
    const { client, clock, destination } = await openWorld();
    const flowControl = { key: "api", parallelism: 5 };
    await client.flowControl.pause("api");
    const { messageId } = await client.publish({ url: destination.url, flowControl });
    await client.publish({ url: destination.url, flowControl });
    await clock.advance(MINUTE);
    expect(destination.received).toHaveLength(0);
    expect(await client.flowControl.get("api")).toMatchObject({ isPaused: true, waitListSize: 2 });
    await client.messages.cancel(messageId);
    await client.flowControl.resume("api");
    await clock.settle();
    expect(destination.received).toHaveLength(1);
  });

  test("keeps pinned limits until they are unpinned", async () => {
    const { call, client, clock, destination } = await openWorld();
    await client.flowControl.pin("api", { rate: 1, period: 10, parallelism: 7 });
    const flowControl = { key: "api", rate: 100, parallelism: 100 };
    for (let n = 0; n < 3; n++) await client.publish({ url: destination.url, flowControl });
    await clock.settle();
    expect(destination.received).toHaveLength(1);
    expect(await client.flowControl.get("api")).toMatchObject({
      rateMax: 1,
      ratePeriod: 10,
      parallelismMax: 7,
      isPinnedParallelism: true,
      isPinnedRate: true,
    });
    await client.flowControl.unpin("api", { rate: true });
    await client.publish({ url: destination.url, flowControl });
    await clock.settle();
    expect(destination.received).toHaveLength(4);
    const shown = { rateMax: 100, parallelismMax: 7, isPinnedRate: false };
    expect(await client.flowControl.get("api")).toMatchObject(shown);
    expect(await (await call("GET", "/v2/flowControl")).json()).toMatchObject([shown]);
    expect((await call("POST", "/v2/flowControl/api/pin?rate=x")).status).toBe(400);
  });

  test("does not find a key before its first use", async () => {
    const { client } = await openWorld();
    await expect(client.flowControl.get("none")).rejects.toMatchObject({ status: 404 });
  });

  test("shows the default period next to a parallelism alone, wherever it shows", async () => {
    const { client, clock, destination } = await openWorld();
    destination.answer(() => ({ status: 500 }));
    const flowControl = { key: "api", parallelism: 3 };
    const shown = { flowControlKey: "api", parallelism: 3, period: 1 };
    const { scheduleId } = await client.schedules.create({
      destination: destination.url,
      cron: "0 0 1 1 *",
      flowControl,
    });
    expect(await client.schedules.get(scheduleId)).toMatchObject(shown);
    const { messageId } = await client.publish({
      url: destination.url,
      delay: 1,
      retries: 0,
      flowControl,
    });
    expect(await client.messages.get(messageId)).toMatchObject(shown);
    await clock.advance(SECOND);
    expect((await client.dlq.listMessages()).messages).toMatchObject([shown]);
    const { logs } = await client.logs({ messageIds: [messageId] });
    expect(logs.length).toBeGreaterThan(0);
    for (const log of logs) expect(log).toMatchObject(shown);
  });

  test("works with a queue", async () => {
    const { client, clock, destination } = await openWorld();
    const queue = client.queue({ queueName: "line" });
    await queue.upsert({ parallelism: 10 });
    const flowControl = { key: "api", rate: 1, period: 10 };
    for (let n = 0; n < 3; n++) await queue.enqueue({ url: destination.url, flowControl });
    await clock.advance(10 * SECOND);
    expect(destination.received).toHaveLength(2);
  });
});
