import vm from "node:vm";
import { expect, test } from "vitest";
import type { EnqueueOptions, BulkJobQueue } from "#src/jobs/application/job-queue.ts";
import type { ContractHarness, ContractWorld } from "#src/jobs/testing/contract-harness.ts";
import { replay } from "#src/jobs/testing/properties/replay.ts";
import { checkSequences, SequenceError } from "#src/jobs/testing/properties/sequence-property.ts";
import { memoryHarness } from "../support/memory-harness.ts";

/** Providers that each break one promise. Random sequences must find it. */
const broken = [
  {
    what: "takes no notice of keys",
    harness: brokenHarness(({ queue }) => ({
      queue: withOptions(queue, ({ runAt, maxAttempts }) => ({
        ...(runAt && { runAt }),
        ...(maxAttempts !== undefined && { maxAttempts }),
      })),
    })),
    complaint: /1 jobs were added instead of 0/,
  },
  {
    what: "makes one attempt too many",
    harness: brokenHarness(({ queue }) => ({
      queue: withOptions(queue, ({ maxAttempts = 10, ...others }) => ({
        ...others,
        maxAttempts: maxAttempts + 1,
      })),
    })),
    complaint: /has \d+ attempts instead of \d+/,
  },
  {
    what: "waits too short a time",
    harness: brokenHarness((world) => ({ elapse: (seconds) => world.elapse(seconds + 100) })),
    complaint: /runs \d+\.\d+ s too early/,
  },
  {
    what: "loses all but the first of many",
    harness: brokenHarness(({ queue }) => ({
      queue: {
        enqueue: queue.enqueue.bind(queue),
        add: queue.add.bind(queue),
        enqueueMany: (requests) => queue.enqueueMany(requests.slice(0, 1)),
      },
    })),
    complaint: /1 jobs were added instead of \d/,
  },
];

test.for(broken)("random sequences catch a provider that $what", async ({ harness, complaint }) => {
  const error = await checkSequences(harness, { runs: 500, steps: 25, seed: 1 }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SequenceError))
    throw new Error("no sequence caught the provider", { cause: error });
  expect(error.message).toMatch(complaint);
  expect(error.message).toContain("PROPERTY_SEED=1 ");
  // The sequence is shrunk to the necessary commands.
  expect(error.commands.length).toBeLessThanOrEqual(3);
  await expect(paste(error.message, harness)).rejects.toThrow(complaint);
});

/** Runs the test at the end of the message. */
async function paste(message: string, harness: ContractHarness): Promise<void> {
  const bodies: (() => Promise<void>)[] = [];
  vm.runInNewContext(message.slice(message.indexOf("test(")), {
    test: (_title: string, body: () => Promise<void>) => bodies.push(body),
    memoryHarness: harness,
    replay,
  });
  expect(bodies).toHaveLength(1);
  await bodies[0]?.();
}

function brokenHarness(change: (world: ContractWorld) => Partial<ContractWorld>): ContractHarness {
  return {
    provider: memoryHarness.provider,
    async open(definitions) {
      const world = await memoryHarness.open(definitions);
      return { ...world, ...change(world) };
    },
  };
}

function withOptions(
  queue: BulkJobQueue,
  change: (options: EnqueueOptions) => EnqueueOptions,
): BulkJobQueue {
  return {
    enqueue: (name, payload, options = {}) => queue.enqueue(name, payload, change(options)),
    add: (name, payload, options = {}) => queue.add(name, payload, change(options)),
    enqueueMany: (requests) => queue.enqueueMany(requests),
  };
}
