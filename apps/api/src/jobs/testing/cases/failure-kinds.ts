import assert from "node:assert/strict";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, whenAborted, work } from "../in-world.ts";
import { createProbe, eventually } from "../probe.ts";
import { allAreOver, waitsForRetry } from "../waits.ts";

class OddError extends Error {
  // What libraries do: a message that is no string, whatever the type says.
  override get message(): string {
    throw new TypeError("no message for you");
  }
}

/** What is thrown, and what is kept of it. */
const THROWN: readonly (readonly [what: string, thrown: unknown, kept: RegExp])[] = [
  ["a string", "a bare string", /a bare string/],
  ["undefined", undefined, /undefined/],
  ["null", null, /null/],
  ["a number", 42, /42/],
  ["a symbol", Symbol("odd"), /odd/],
  ["an object", { reason: "x" }, /./],
  ["an object that is no text", Object.create(null), /./],
  ["an error without a message", new Error(""), /^/],
  ["an error whose message cannot be read", new OddError(), /./],
  ["an error whose message is no text", Object.assign(new Error("x"), { message: 7 }), /7/],
  ["a long message", new Error(`long ${"é🌍".repeat(200_000)}`), /^long é/],
  ["a message with control characters", new Error("a\u0000b\u001Bc\uD83C"), /^a.b/],
];

export const failureKindCases: readonly ContractCase[] = [
  {
    title: "any thrown value fails the run and is stored as text",
    async run(harness) {
      const job = contractJob("contract.work", async (payload) => {
        const [, thrown] = THROWN[Number(payload)] ?? [];
        // oxlint-disable-next-line typescript/only-throw-error -- handlers do
        throw thrown;
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const [index, [what, , kept]] of THROWN.entries()) {
          await world.queue.enqueue("contract.work", index, { maxAttempts: 1 });
          await eventually(`${what} has made the job dead`, async () => {
            return (await world.deadJobs()).length === index + 1;
          });
          const { lastError, attempts } = (await world.deadJobs())[index] ?? {};
          assert.equal(attempts, 1);
          assert.match(lastError ?? "nothing", kept, what);
        }
        await allAreOver(world);
      });
    },
  },
  {
    title: "a handler that throws before its first await is retried",
    async run(harness) {
      const attempts = createProbe<number>();
      const job = contractJob("contract.work", (_payload, { attempt }) => {
        attempts.report(attempt);
        if (attempt === 1) throw new Error("thrown, not rejected");
        return Promise.resolve();
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await attempts.next(), 1);
        await waitsForRetry(world, 1);
        assert.equal(await attempts.next(), 2);
        await allAreOver(world);
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
  {
    title: "a handler that returns after its timeout has failed and is retried",
    async run(harness) {
      const runs = createProbe<string>();
      const job = contractJob(
        "contract.work",
        async (_payload, ctx) => {
          if (ctx.attempt === 1) await whenAborted(ctx);
          runs.report(`attempt ${ctx.attempt} returns`);
        },
        { timeout: 50 },
      );
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await runs.next(), "attempt 1 returns");
        await waitsForRetry(world, 1);
        assert.equal(await runs.next(), "attempt 2 returns");
        await allAreOver(world);
        assert.deepEqual(await world.deadJobs(), []);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];
