import assert from "node:assert/strict";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, work } from "../in-world.ts";
import { createProbe, eventually } from "../probe.ts";

export const rollingDeployCases: readonly ContractCase[] = [
  {
    title: "during a rolling deploy a new job runs on new instances only, as attempt 1",
    async run(harness) {
      const runs = createProbe<string>();
      const known = contractJob("contract.work", async (payload, { attempt }) =>
        runs.report(`known ${JSON.stringify(payload)}, attempt ${attempt}`),
      );
      const added = contractJob("contract.other", async (payload, { attempt }) =>
        runs.report(`added ${JSON.stringify(payload)}, attempt ${attempt}`),
      );
      await inWorld(harness, [known, added], async (world) => {
        const old = [
          await work(world, { definitions: [known] }),
          await work(world, { definitions: [known] }),
        ];
        const payloads = [1, 2, 3, 4, 5];
        for (const payload of payloads) {
          await world.queue.enqueue("contract.other", payload, { maxAttempts: 1 });
          await world.queue.enqueue("contract.work", payload, { maxAttempts: 1 });
        }
        await eventually("the known are done", async () => runs.unread.length === 5);
        await eventually("the others wait", async () => (await world.pendingCount()) === 5);
        await work(world);
        await eventually("all are done", async () => {
          await world.elapse(10);
          return (await world.pendingCount()) === 0;
        });
        await Promise.all(old.map((runtime) => runtime.stop()));
        assert.deepEqual(
          [...runs.unread].sort(),
          ["added", "known"].flatMap((name) => payloads.map((n) => `${name} ${n}, attempt 1`)),
        );
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
];
