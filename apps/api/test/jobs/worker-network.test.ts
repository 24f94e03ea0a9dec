import { describe, type TestContext, test } from "vitest";
import { contractJob } from "#/jobs/testing/contract-jobs.ts";
import { whenAborted } from "#/jobs/testing/in-world.ts";
import { createProbe, eventually } from "#/jobs/testing/probe.ts";
import { openGraphileWorld } from "../support/graphile-harness.ts";

type OnTestFinished = TestContext["onTestFinished"];

/** A world whose job never ends its first attempt, and tells who runs it and who is to stop. */
async function watchedWorld(onTestFinished: OnTestFinished) {
  const runs = createProbe<string>();
  const jobOf = (worker: string) =>
    contractJob("contract.work", async (_payload, ctx) => {
      runs.report(`${worker} runs attempt ${ctx.attempt}`);
      if (ctx.attempt > 1) return;
      await whenAborted(ctx);
      runs.report(`${worker} is told to end`);
      // One that ended in time would have its end written down.
      await new Promise(() => undefined);
    });
  const world = await openGraphileWorld([jobOf("nobody")]);
  onTestFinished(() => world.close());
  const start = async (worker: string, options: { readonly shutdownGraceMs?: number } = {}) => {
    const runtime = world.runtime({ ...options, definitions: [jobOf(worker)] });
    await runtime.start();
    return { runtime, network: world.proxyOf(runtime) };
  };
  return { runs, world, start };
}

describe.concurrent("a worker that loses its network", () => {
  test("is cut off: its handler's signal aborts, the job runs elsewhere, it comes back", async ({
    expect,
    onTestFinished,
  }) => {
    const { runs, world, start } = await watchedWorld(onTestFinished);
    const first = await start("first");
    await world.queue.enqueue("contract.work", 1);
    expect(await runs.next()).toBe("first runs attempt 1");
    const second = await start("second");
    first.network.refuse();
    first.network.cut();
    expect(await runs.next()).toBe("first is told to end");
    expect(await runs.next()).toBe("second runs attempt 2");
    await second.runtime.stop();
    first.network.flow();
    await world.queue.enqueue("contract.work", 2);
    expect(await runs.next()).toBe("first runs attempt 1");
  });

  test("hears nothing any more, not even an end: its handler's signal aborts, and it comes back", async ({
    expect,
    onTestFinished,
  }) => {
    const { runs, world, start } = await watchedWorld(onTestFinished);
    const { network } = await start("first");
    await world.queue.enqueue("contract.work", 1);
    expect(await runs.next()).toBe("first runs attempt 1");
    network.stall();
    expect(await runs.next()).toBe("first is told to end");
    // There is nobody who could free it.
    expect(await world.lockedCount()).toBe(1);
    network.flow();
    expect(await runs.next()).toBe("first runs attempt 2");
  });

  test("and finds a new one well takes jobs again seconds after it knows", async ({
    expect,
    onTestFinished,
  }) => {
    const { runs, world, start } = await watchedWorld(onTestFinished);
    const { network } = await start("first");
    await world.queue.enqueue("contract.work", 1);
    expect(await runs.next()).toBe("first runs attempt 1");
    network.strand();
    expect(await runs.next()).toBe("first is told to end");
    const told = performance.now();
    await world.queue.enqueue("contract.work", 2);
    expect(await runs.next()).toMatch(/^first runs attempt/);
    // Waiting for the connections that are lost took ten.
    expect(performance.now() - told).toBeLessThan(6_000);
  });

  test("for seconds, and is given up: its handler is told to end before another begins", async ({
    expect,
    onTestFinished,
  }) => {
    const { runs, world, start } = await watchedWorld(onTestFinished);
    const first = await start("first");
    await world.queue.enqueue("contract.work", 1);
    expect(await runs.next()).toBe("first runs attempt 1");
    await start("second");
    first.network.stall();
    expect(await runs.next()).toBe("first is told to end");
    expect(await runs.next()).toBe("second runs attempt 2");
    first.network.flow();
    await eventually("it is done", async () => (await world.pendingCount()) === 0);
    expect(await world.deadJobs()).toEqual([]);
  });

  test("while it stops, and is given up: of its grace nothing is left", async ({
    expect,
    onTestFinished,
  }) => {
    const { runs, world, start } = await watchedWorld(onTestFinished);
    const first = await start("first", { shutdownGraceMs: 3_600_000 });
    await world.queue.enqueue("contract.work", 1);
    expect(await runs.next()).toBe("first runs attempt 1");
    await start("second");
    const stopped = first.runtime.stop();
    first.network.stall();
    expect(await runs.next()).toBe("first is told to end");
    expect(await runs.next()).toBe("second runs attempt 2");
    first.network.flow();
    await stopped;
    await eventually("it is done", async () => (await world.pendingCount()) === 0);
  });

  test("behind a pooler that answers: what it said last arrives late, and takes nothing from anybody", async ({
    expect,
    onTestFinished,
  }) => {
    const { runs, world, start } = await watchedWorld(onTestFinished);
    const first = await start("first");
    await world.queue.enqueue("contract.work", 1);
    expect(await runs.next()).toBe("first runs attempt 1");
    await start("second");
    first.network.stall({ answers: true });
    expect(await runs.next()).toBe("first is told to end");
    // As far as the database knows, the worker is there.
    expect(await world.lockedCount()).toBe(1);
    first.network.flow();
    expect(await runs.next()).toMatch(/runs attempt 2$/);
    await eventually("it is done", async () => (await world.pendingCount()) === 0);
    expect(await world.deadJobs()).toEqual([]);
    expect(runs.unread).toEqual([]);
  });
});
