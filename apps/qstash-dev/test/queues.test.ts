import { describe, expect, test } from "vitest";
import { matching } from "./support/matchers.ts";
import { BEGINNING, MINUTE, openWorld, SECOND } from "./support/world.ts";

describe("a queue", () => {
  test("is created by its first message", async () => {
    const { client, clock, destination } = await openWorld();
    const queue = client.queue({ queueName: "line" });
    const receipt = await queue.enqueueJSON({ url: `${destination.url}/a?x=1`, body: { n: 1 } });
    await clock.settle();
    expect(receipt).toMatchObject({ messageId: matching(/^msg_/) });
    expect(destination.received).toMatchObject([{ url: `${destination.url}/a?x=1` }]);
    const shown = {
      name: "line",
      parallelism: 1,
      paused: false,
      lag: 0,
      createdAt: BEGINNING,
      updatedAt: BEGINNING,
    };
    expect(await queue.get()).toEqual(shown);
    expect(await client.queue().list()).toEqual([shown]);
  });

  test("delivers one message at a time, and waits for its retries and callbacks", async () => {
    const { client, clock, destination } = await openWorld();
    const queue = client.queue({ queueName: "line" });
    destination.answer((_request, count) => ({ status: count === 1 ? 500 : 200 }));
    for (const path of ["/1", "/2", "/3"]) {
      await queue.enqueue({
        url: `${destination.url}${path}`,
        retryDelay: "5000",
        ...(path === "/1" && { callback: `${destination.url}/called` }),
      });
    }
    const paths = () => destination.received.map(({ url }) => new URL(url).pathname);
    await clock.settle();
    expect(paths()).toEqual(["/1", "/called"]);
    expect(await queue.get()).toMatchObject({ lag: 3 });
    await clock.advance(5 * SECOND);
    expect(paths()).toEqual(["/1", "/called", "/1", "/called", "/2", "/3"]);
  });

  test("continues after a failure", async () => {
    const { client, clock, destination } = await openWorld();
    const queue = client.queue({ queueName: "line" });
    destination.answer(() => ({ status: 500 }));
    for (const path of ["/1", "/2"]) {
      await queue.enqueue({ url: `${destination.url}${path}`, retries: 0 });
    }
    await clock.settle();
    expect(destination.received).toHaveLength(2);
  });

  test("delivers up to its parallelism at a time", async () => {
    const { client, clock, destination } = await openWorld();
    const queue = client.queue({ queueName: "line" });
    await queue.upsert({ parallelism: 2 });
    expect(await queue.get()).toMatchObject({ parallelism: 2 });

    const third = Promise.withResolvers<void>();
    let active = 0;
    let most = 0;
    destination.answer(async (_request, count) => {
      most = Math.max(most, ++active);
      // The first two must run at the same time.
      if (count === 2) third.resolve();
      await third.promise;
      active--;
      return {};
    });
    for (let n = 0; n < 4; n++) await queue.enqueue({ url: destination.url });
    await clock.settle();
    expect(destination.received).toHaveLength(4);
    expect(most).toBe(2);
  });

  test("delivers nothing while it is paused", async () => {
    const { client, clock, destination } = await openWorld();
    const queue = client.queue({ queueName: "line" });
    await queue.upsert({ paused: true });
    await queue.enqueue({ url: destination.url });
    await clock.advance(MINUTE);
    expect(destination.received).toHaveLength(0);
    expect(await queue.get()).toMatchObject({ paused: true, lag: 1 });
    await queue.resume();
    await clock.settle();
    expect(destination.received).toHaveLength(1);
    await queue.pause();
    expect(await queue.get()).toMatchObject({ paused: true });
  });

  test("starts the next message when the first is cancelled", async () => {
    const { client, clock, destination } = await openWorld();
    const queue = client.queue({ queueName: "line" });
    destination.answer((_request, count) => ({ status: count === 1 ? 500 : 200 }));
    const first = await queue.enqueue({ url: `${destination.url}/1` });
    await queue.enqueue({ url: `${destination.url}/2` });
    await clock.settle();
    await client.messages.cancel(first.messageId);
    await clock.settle();
    expect(destination.received.map(({ url }) => new URL(url).pathname)).toEqual(["/1", "/2"]);
  });

  test("is deleted with its waiting messages", async () => {
    const { client, clock, destination } = await openWorld();
    const queue = client.queue({ queueName: "line" });
    await queue.upsert({ paused: true });
    await queue.enqueue({ url: destination.url });
    await queue.delete();
    await clock.advance(MINUTE);
    expect(destination.received).toHaveLength(0);
    await expect(queue.get()).rejects.toMatchObject({ status: 404 });
    await queue.delete();
  });
});

test("refuses an invalid name and an invalid parallelism", async () => {
  const { client } = await openWorld();
  await expect(client.queue({ queueName: "a b" }).upsert({})).rejects.toMatchObject({
    status: 400,
  });
  await expect(client.queue({ queueName: "a b" }).get()).rejects.toMatchObject({ status: 400 });
  await expect(
    client.queue({ queueName: "line" }).upsert({ parallelism: 0 }),
  ).rejects.toMatchObject({ status: 400 });
});
