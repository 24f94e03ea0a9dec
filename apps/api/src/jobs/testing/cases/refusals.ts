import assert from "node:assert/strict";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { EnqueueOptions } from "../../application/job-queue.ts";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";

const onlyNumbers: StandardSchemaV1<unknown, JsonValue> = {
  "~standard": {
    version: 1,
    vendor: "contract",
    validate: (value) =>
      typeof value === "number"
        ? { value }
        : { issues: [{ message: "must be a number", path: ["count"] }] },
  },
};

const BAD_OPTIONS: readonly EnqueueOptions[] = [
  { runAt: new Date(Number.NaN) },
  { runAt: new Date("+020000-01-01T00:00:00Z") },
  { jobKey: "" },
  { jobKey: "x".repeat(513) },
  { maxAttempts: 0 },
  { maxAttempts: -1 },
  { maxAttempts: 1.5 },
  { maxAttempts: Number.NaN },
  { maxAttempts: 32_768 },
];

const job = contractJob("contract.work", async () => undefined, { schema: onlyNumbers });

export const refusalCases: readonly ContractCase[] = [
  {
    title: "a job name that is not in the registry is refused",
    run: (harness) =>
      inWorld(harness, [job], async (world) => {
        await assert.rejects(world.queue.enqueue("contract.other", 1), {
          code: "jobs.unknown_job",
          status: 404,
        });
      }),
  },
  {
    title: "a payload that fails its schema is refused with the issues",
    run: (harness) =>
      inWorld(harness, [job], async (world) => {
        await assert.rejects(world.queue.enqueue("contract.work", "one"), {
          code: "jobs.invalid_payload",
          status: 422,
          issues: [{ path: "count", message: "must be a number" }],
        });
        assert.equal(await world.pendingCount(), 0);
      }),
  },
  {
    title: "a payload over the limit is refused with its size; one at the limit is accepted",
    async run(harness) {
      const any = contractJob("contract.work", async () => undefined);
      await inWorld(harness, [any], async (world) => {
        await world.queue.enqueue("contract.work", "x".repeat(1_048_574));
        await assert.rejects(world.queue.enqueue("contract.work", "x".repeat(1_048_575)), {
          code: "jobs.payload_too_large",
          status: 413,
          details: { size: 1_048_577, limit: 1_048_576 },
        });
        assert.equal(await world.pendingCount(), 1);
      });
    },
  },
  {
    title: "bad options are refused, and no job of their batch is stored",
    run: (harness) =>
      inWorld(harness, [job], async (world) => {
        for (const options of BAD_OPTIONS) {
          const refused = { code: "jobs.invalid_options", status: 422 };
          await assert.rejects(world.queue.enqueue("contract.work", 1, options), refused);
          await assert.rejects(
            world.queue.enqueueMany([
              { name: "contract.work", payload: 1 },
              { name: "contract.work", payload: 2, options },
            ]),
            refused,
          );
        }
        assert.equal(await world.pendingCount(), 0);
      }),
  },
];
