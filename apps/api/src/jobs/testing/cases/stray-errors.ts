import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { PermanentJobError } from "../../application/job-errors.ts";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, skipBackOff, untilSettled, whenAborted, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

/** How a handler can leave an error behind that nothing awaits. */
const STRAY: readonly (readonly [title: string, leaveBehind: () => void])[] = [
  ["a rejection as the handler returns", () => void Promise.reject(new Error("floating"))],
  [
    "a rejection in a timer",
    () => void setTimeout(() => void Promise.reject(new Error("floating")), 5),
  ],
  [
    "an async function that nobody awaits",
    () =>
      void (async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        throw new Error("floating");
      })(),
  ],
  [
    "the other one of two",
    () =>
      void Promise.all([
        Promise.reject(new Error("floating")),
        Promise.reject(new Error("the other one")),
      ]),
  ],
  [
    "an async listener",
    () => {
      const emitter = new EventEmitter();
      // oxlint-disable-next-line typescript/no-misused-promises -- the mistake of the case
      emitter.on("done", async () => {
        throw new Error("floating");
      });
      setImmediate(() => emitter.emit("done"));
    },
  ],
  [
    "an exception in a timer",
    () =>
      void setTimeout(() => {
        throw new Error("thrown in a callback");
      }, 5),
  ],
  [
    "an error event without a listener",
    () => void setImmediate(() => new EventEmitter().emit("error", new Error("no listener"))),
  ],
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- code can reject with anything
  ["something that is no error", () => void Promise.reject(Object.freeze({}))],
];

export const strayErrorCases: readonly ContractCase[] = [
  {
    title: "an error that nothing awaits fails its own run, and no other one",
    async run(harness) {
      const runs = createProbe<string>();
      const end = Promise.withResolvers<void>();
      const job = contractJob("contract.work", async (payload, { attempt, signal }) => {
        const kind = STRAY.find(([title]) => title === payload);
        if (!kind) {
          runs.report(`neighbour, attempt ${attempt}`);
          await end.promise;
          assert.equal(signal.aborted, false);
          return;
        }
        const [title, leaveBehind] = kind;
        runs.report(`${title}, attempt ${attempt}`);
        if (attempt > 1) return;
        leaveBehind();
        // One of them is reported after the handler has returned, the others while it waits.
        if (title !== "a rejection as the handler returns") await whenAborted({ signal });
      });
      await inWorld(harness, [job], async (world) => {
        await work(world, { concurrency: 2 });
        await world.queue.enqueue("contract.work", "neighbour");
        assert.equal(await runs.next(), "neighbour, attempt 1");
        for (const [title] of STRAY) {
          await world.queue.enqueue("contract.work", title);
          assert.equal(await runs.next(), `${title}, attempt 1`);
          await skipBackOff(world, 1);
          assert.equal(await runs.next(), `${title}, attempt 2`);
          await eventually("it is done", async () => (await world.pendingCount()) === 1);
        }
        end.resolve();
        await untilSettled(world);
        assert.deepEqual(await world.deadJobs(), []);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a PermanentJobError that nothing awaits makes the job dead at once",
    async run(harness) {
      const job = contractJob("contract.work", async () => {
        void Promise.reject(new PermanentJobError("never"));
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        await eventually("it is dead", async () => (await world.deadJobs()).length === 1);
        assert.deepEqual(
          (await world.deadJobs()).map(({ attempts, lastError }) => ({ attempts, lastError })),
          [{ attempts: 1, lastError: "never" }],
        );
      });
    },
  },
  {
    title: "an error that nothing awaits and that comes after the run's end changes nothing",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const late = Promise.withResolvers<void>();
      const job = contractJob("contract.work", async (payload) => {
        if (payload === "first") void late.promise.then(() => Promise.reject(new Error("late")));
        runs.report(payload);
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", "first");
        assert.equal(await runs.next(), "first");
        await untilSettled(world);
        late.resolve();
        await world.queue.enqueue("contract.work", "second");
        assert.equal(await runs.next(), "second");
        await untilSettled(world);
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
];
