import type { ContractHarness } from "#src/jobs/testing/contract-harness.ts";
import { type FaultPlan, limited } from "./fault-plan.ts";
import { openQStashWorld } from "./qstash-harness.ts";
import { qstashSupport } from "./qstash-options.ts";
import { openTroubledWorld } from "./troubled-world.ts";

/** qstash on a local QStash that duplicates, reorders and delays deliveries and drops answers. */
export function faultyQStash(plan: FaultPlan): ContractHarness {
  const { random, anywhere } = plan;
  return {
    provider: qstashSupport,
    open: (definitions) =>
      openTroubledWorld(plan, definitions, async (idempotentOnes) => {
        const losesAnswer = limited(plan, "a lost answer to a delivery", 0.3, 2);
        const faults = {
          duplicate: 0.3,
          reorder: { probability: 0.15, times: 2 },
          delay: { probability: 0.3, longest: 200 },
          // The client tries three times. More losses would leave the caller without an answer.
          "drop-answer": { probability: 0.3, times: anywhere ? 8 : 2 },
        };
        const loses = () => anywhere && losesAnswer();
        const world = await openQStashWorld(idempotentOnes, { random }, loses);
        world.qstash.faults.set(faults);
        const troubles = {
          strike: async () => undefined,
          end: () => world.qstash.faults.clear(),
        };
        return {
          troubles,
          world: {
            ...world,
            // No faults strike while the schedules miss their ticks.
            async missMinutes(minutes: number) {
              world.qstash.faults.clear();
              await world.missMinutes(minutes);
              world.qstash.faults.set(faults);
            },
          },
        };
      }),
  };
}
