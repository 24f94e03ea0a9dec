import assert from "node:assert/strict";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, untilDead, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

const onlyLists: StandardSchemaV1<unknown, JsonValue> = {
  "~standard": {
    version: 1,
    vendor: "contract",
    validate: (value) =>
      Array.isArray(value) ? { value } : { issues: [{ message: "must be a list" }] },
  },
};

/** Returns the old payload as text, and its version. */
const upgrade = (payload: unknown, from: number): JsonValue => [JSON.stringify(payload), from];

export const versionCases: readonly ContractCase[] = [
  {
    title: "a payload of an earlier version is upgraded before the schema and the handler get it",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const handler = async (payload: JsonValue) => runs.report(payload);
      const first = contractJob("contract.work", handler);
      const second = contractJob("contract.work", handler, { version: 2, upgrade });
      const third = contractJob("contract.work", handler, {
        version: 3,
        upgrade,
        schema: onlyLists,
      });
      await inWorld(harness, [third], async (world) => {
        await work(world);
        await world.queueOf([first]).enqueue("contract.work", { old: true });
        assert.deepEqual(await runs.next(), ['{"old":true}', 1]);
        await world.queueOf([second]).enqueueMany([{ name: "contract.work", payload: 2 }]);
        assert.deepEqual(await runs.next(), ["2", 2]);
        await world.queue.enqueue("contract.work", ["today"]);
        assert.deepEqual(await runs.next(), ["today"]);
      });
    },
  },
  {
    title: "a payload newer than the code is left for newer code and loses no attempt",
    async run(harness) {
      const runs = createProbe<string>();
      const old = contractJob("contract.work", async () => runs.report("old"));
      const marker = contractJob("contract.other", async () => runs.report("marker"));
      const today = contractJob(
        "contract.work",
        async (_payload, { attempt }) => runs.report(`today, attempt ${attempt}`),
        { version: 2, upgrade },
      );
      await inWorld(harness, [today, marker], async (world) => {
        const before = await work(world, { definitions: [old, marker] });
        await world.queue.enqueue("contract.work", [], { maxAttempts: 1 });
        await world.queue.enqueue("contract.work", [], { maxAttempts: 1, jobKey: "k" });
        await world.queue.enqueue("contract.other", 0);
        assert.equal(await runs.next(), "marker");
        await eventually("the marker is done", async () => (await world.pendingCount()) === 2);
        await before.stop();
        assert.deepEqual(await world.deadJobs(), []);
        await work(world);
        await world.elapse(60);
        assert.equal(await runs.next(), "today, attempt 1");
        assert.equal(await runs.next(), "today, attempt 1");
      });
    },
  },
  {
    title: "a key is unique across all versions of its job",
    needs: ["jobKey"],
    async run(harness) {
      const first = contractJob("contract.work", async () => undefined);
      const second = contractJob("contract.work", async () => undefined, { version: 2, upgrade });
      await inWorld(harness, [second], async (world) => {
        await world.queueOf([first]).enqueue("contract.work", 1, { jobKey: "k" });
        await world.queue.enqueue("contract.work", 2, { jobKey: "k" });
        assert.equal(await world.pendingCount(), 1);
      });
    },
  },
  {
    title: "an upgrade that throws makes the job dead without a run",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const handler = async (payload: JsonValue) => runs.report(payload);
      const first = contractJob("contract.work", handler);
      const second = contractJob("contract.work", handler, {
        version: 2,
        upgrade: () => {
          throw new Error("unknown shape");
        },
      });
      await inWorld(harness, [second], async (world) => {
        await world.queueOf([first]).enqueue("contract.work", 1);
        await work(world);
        await untilDead(world, 1);
        const [dead] = await world.deadJobs();
        assert.equal(dead?.lastError, "unknown shape");
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];
