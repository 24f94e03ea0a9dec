import { describe, type TestContext, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { whenAborted } from "#src/jobs/testing/in-world.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { openGraphileWorld } from "../support/graphile-harness.ts";

interface Options {
  readonly shutdownGraceMs?: number;
}

/**
 * A world whose job never ends its first attempt, and tells who runs it and who is to stop; and the first
 * worker, which has begun it.
 */
async function watchedWorld({ expect, onTestFinished }: TestContext, options: Options = {}) {
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
  const start = async (worker: string) => {
    const runtime = world.runtime({ ...options, definitions: [jobOf(worker)] });
    await runtime.start();
    return { runtime, network: world.proxyOf(runtime) };
  };
  const first = await start("first");
  await world.queue.enqueue("contract.work", 1);
  expect(await runs.next()).toBe("first runs attempt 1");
  return { runs, world, start, first };
}

describe.concurrent("a worker that loses its network", () => {
  test("is cut off: its handler's signal aborts, the job runs elsewhere, it comes back", async (context) => {
    const { expect } = context;
    const { runs, world, start, first } = await watchedWorld(context);
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

  test("hears nothing any more, not even an end: its handler's signal aborts, and it comes back", async (context) => {
    const { expect } = context;
    const { runs, world, first } = await watchedWorld(context);
    const { network } = first;
    network.stall();
    expect(await runs.next()).toBe("first is told to end");
    // There is nobody who could free it.
    expect(await world.lockedCount()).toBe(1);
    network.flow();
    expect(await runs.next()).toBe("first runs attempt 2");
  });

  test("and finds a new one well takes jobs again seconds after it knows", async (context) => {
    const { expect } = context;
    const { runs, world, first } = await watchedWorld(context);
    const { network } = first;
    network.strand();
    expect(await runs.next()).toBe("first is told to end");
    const told = performance.now();
    await world.queue.enqueue("contract.work", 2);
    expect(await runs.next()).toMatch(/^first runs attempt/);
    // Waiting for the connections that are lost took ten.
    expect(performance.now() - told).toBeLessThan(6_000);
  });

  test("for seconds, and is given up: its handler is told to end before another begins", async (context) => {
    const { expect } = context;
    const { runs, world, start, first } = await watchedWorld(context);
    await start("second");
    first.network.stall();
    expect(await runs.next()).toBe("first is told to end");
    expect(await runs.next()).toBe("second runs attempt 2");
    first.network.flow();
    await eventually("it is done", async () => (await world.pendingCount()) === 0);
    expect(await world.deadJobs()).toEqual([]);
  });

  test("while it stops, and is given up: of its grace nothing is left", async (context) => {
    const { expect } = context;
    const { runs, world, start, first } = await watchedWorld(context, {
      shutdownGraceMs: 3_600_000,
    });
    await start("second");
    const stopped = first.runtime.stop();
    first.network.stall();
    expect(await runs.next()).toBe("first is told to end");
    expect(await runs.next()).toBe("second runs attempt 2");
    first.network.flow();
    await stopped;
    await eventually("it is done", async () => (await world.pendingCount()) === 0);
  });

  test("behind a pooler that answers: what it said last arrives late, and takes nothing from anybody", async (context) => {
    const { expect } = context;
    const { runs, world, start, first } = await watchedWorld(context);
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
