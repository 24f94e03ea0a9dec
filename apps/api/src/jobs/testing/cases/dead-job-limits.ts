import assert from "node:assert/strict";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { inWorld, work } from "../in-world.ts";
import { deadOf, theDead } from "./dead-jobs.ts";

export const deadJobLimitCases: readonly ContractCase[] = [
  {
    title: "a page continues after the previous one even if its last job is no longer dead",
    needs: ["replay"],
    async run(harness) {
      const job = contractJob("contract.work", async () => {
        throw new Error("fails");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const payload of [1, 2, 3]) {
          await world.queue.enqueue("contract.work", payload, { maxAttempts: 1 });
          await theDead(world, payload);
        }
        const [, second, third] = await theDead(world, 3);
        const page = await deadOf(world).list(2);
        assert.equal(await deadOf(world).remove(second?.id ?? ""), true);
        const rest = await deadOf(world).list(2, page.at(-1));
        assert.deepEqual(
          rest.map(({ id }) => id),
          [third?.id],
        );
      });
    },
  },
  {
    title: "a dead job of an unknown name or version is not replayed and stays dead",
    needs: ["replay"],
    async run(harness) {
      const fail = async () => {
        throw new Error("fails");
      };
      const known = contractJob("contract.work", fail);
      const newer = contractJob("contract.work", fail, { version: 2, upgrade: () => null });
      const other = contractJob("contract.other", fail);
      await inWorld(harness, [known], async (world) => {
        await work(world, { definitions: [newer, other] });
        await world.queueOf([newer, other]).enqueueMany([
          { name: "contract.work", payload: 1, options: { maxAttempts: 1 } },
          { name: "contract.other", payload: 2, options: { maxAttempts: 1 } },
        ]);
        for (const { id } of await theDead(world, 2)) {
          await assert.rejects(deadOf(world).replay(id), { code: "jobs.unknown_job", status: 404 });
        }
        assert.equal((await deadOf(world).list(10)).length, 2);
        assert.equal(await world.pendingCount(), 0);
      });
    },
  },
];
