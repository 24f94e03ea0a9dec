import { describe, type TestContext, test } from "vitest";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { whenAborted } from "#src/jobs/testing/case-steps.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { openGraphileWorld } from "../support/graphile-harness.ts";

interface Options {
  readonly shutdownGraceMs?: number;
}

/**
 * A world with one job, and a first worker that has begun it. The first attempt never ends. The job reports
 * which worker runs it and which worker aborts it.
 */
async function watchedWorld({ expect, onTestFinished }: TestContext, options: Options = {}) {
  const runs = createProbe<string>();
  const jobOf = (worker: string) =>
    contractJob("contract.work", async (_payload, ctx) => {
      runs.report(`${worker} runs attempt ${ctx.attempt}`);
      if (ctx.attempt > 1) return;
      await whenAborted(ctx);
      runs.report(`${worker} aborts it`);
      // A run that ended in time would be settled.
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
  test("by a cut aborts its handler and reconnects, and its job runs elsewhere", async (context) => {
    const { expect } = context;
    const { runs, world, start, first } = await watchedWorld(context);
    const second = await start("second");
    first.network.refuse();
    first.network.cut();
    expect(await runs.next()).toBe("first aborts it");
    expect(await runs.next()).toBe("second runs attempt 2");
    await second.runtime.stop();
    first.network.flow();
    await world.queue.enqueue("contract.work", 2);
    expect(await runs.next()).toBe("first runs attempt 1");
  });

  test("by silence aborts its handler and reconnects", async (context) => {
    const { expect } = context;
    const { runs, world, first } = await watchedWorld(context);
    const { network } = first;
    network.stall();
    expect(await runs.next()).toBe("first aborts it");
    // There is no other worker to recover it.
    expect(await world.lockedCount()).toBe(1);
    network.flow();
    expect(await runs.next()).toBe("first runs attempt 2");
  });

  test("but can open new connections takes jobs again within seconds", async (context) => {
    const { expect } = context;
    const { runs, world, first } = await watchedWorld(context);
    const { network } = first;
    network.strand();
    expect(await runs.next()).toBe("first aborts it");
    const lost = performance.now();
    await world.queue.enqueue("contract.work", 2);
    expect(await runs.next()).toMatch(/^first runs attempt/);
    // Waiting for the lost connections to time out would take ten seconds.
    expect(performance.now() - lost).toBeLessThan(6_000);
  });

  test("for seconds aborts its handler before another worker begins the job", async (context) => {
    const { expect } = context;
    const { runs, world, start, first } = await watchedWorld(context);
    await start("second");
    first.network.stall();
    expect(await runs.next()).toBe("first aborts it");
    expect(await runs.next()).toBe("second runs attempt 2");
    first.network.flow();
    await eventually("the job is done", async () => (await world.pendingCount()) === 0);
    expect(await world.deadJobs()).toEqual([]);
  });

  test("while it stops ends its grace at once", async (context) => {
    const { expect } = context;
    const { runs, world, start, first } = await watchedWorld(context, {
      shutdownGraceMs: 3_600_000,
    });
    await start("second");
    const stopped = first.runtime.stop();
    first.network.stall();
    expect(await runs.next()).toBe("first aborts it");
    expect(await runs.next()).toBe("second runs attempt 2");
    first.network.flow();
    await stopped;
    await eventually("the job is done", async () => (await world.pendingCount()) === 0);
  });

  test("behind a pooler that answers changes nothing with statements that arrive late", async (context) => {
    const { expect } = context;
    const { runs, world, start, first } = await watchedWorld(context);
    await start("second");
    first.network.stall({ answers: true });
    expect(await runs.next()).toBe("first aborts it");
    // For the database, the worker is still connected.
    expect(await world.lockedCount()).toBe(1);
    first.network.flow();
    expect(await runs.next()).toMatch(/runs attempt 2$/);
    await eventually("the job is done", async () => (await world.pendingCount()) === 0);
    expect(await world.deadJobs()).toEqual([]);
    expect(runs.unread).toEqual([]);
  });
});
