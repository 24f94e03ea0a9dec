import assert from "node:assert/strict";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, work } from "../in-world.ts";
import { createProbe, eventually } from "../probe.ts";
import { failureIsStored } from "../waits.ts";

export const durabilityCases: readonly ContractCase[] = [
  {
    title: "waiting, failed and running jobs outlive every process",
    needs: ["durable", "crash"],
    async run(harness) {
      const runs = createProbe<readonly [payload: string, attempt: number]>();
      const job = contractJob("contract.work", async (payload, { attempt }) => {
        runs.report([JSON.stringify(payload), attempt]);
        if (payload === "fails" && attempt === 1) throw new Error("fails once");
        if (payload === "hangs" && attempt === 1) await new Promise(() => undefined);
      });
      await inWorld(harness, [job], async (world) => {
        const before = world.queueOf([job]);
        const [stopped, crashed] = [await work(world), await work(world)];
        await before.enqueue("contract.work", "fails");
        assert.deepEqual(await runs.next(), ['"fails"', 1]);
        await failureIsStored(world, 1);
        const runAt = new Date(Date.now() + 3_600_000);
        await before.enqueue("contract.work", "later", { runAt });
        await stopped.stop();
        await before.enqueue("contract.work", "hangs");
        assert.deepEqual(await runs.next(), ['"hangs"', 1]);
        await world.crash(crashed);
        await before.enqueue("contract.work", "waits");

        await world.queueOf([job]).enqueue("contract.work", "new");
        await work(world);
        await eventually("all is done", async () => {
          await world.elapse(600);
          return (await world.pendingCount()) === 0;
        });
        assert.deepEqual(Object.fromEntries(runs.unread), {
          '"fails"': 2,
          '"later"': 1,
          '"hangs"': 2,
          '"waits"': 1,
          '"new"': 1,
        });
        assert.equal(runs.unread.length, 5);
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
];
