import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, work } from "../in-world.ts";
import { createProbe } from "../probe.ts";

export const priorityCases: readonly ContractCase[] = [
  {
    title: "waiting jobs with a lower priority number run first",
    needs: ["priority"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const handler = async (payload: JsonValue) => runs.report(payload);
      const later = contractJob("contract.work", handler);
      const sooner = { ...contractJob("contract.other", handler), priority: -10 };
      await inWorld(harness, [later, sooner], async (world) => {
        await world.queue.enqueue("contract.work", "later");
        await world.queue.enqueueMany([
          { name: "contract.work", payload: "later" },
          { name: "contract.other", payload: "sooner" },
        ]);
        await world.queue.enqueue("contract.other", "sooner");
        await world.queue.enqueue("contract.other", "sooner", { jobKey: "k" });
        await work(world, { concurrency: 1 });
        const order = [];
        for (let run = 0; run < 5; run++) order.push(await runs.next());
        assert.deepEqual(order, ["sooner", "sooner", "sooner", "later", "later"]);
      });
    },
  },
];
