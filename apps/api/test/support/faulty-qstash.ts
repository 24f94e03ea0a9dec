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
        const losesAnswer = limited(plan, "an answer to a delivery lost", 0.3, 2);
        const faults = {
          duplicate: 0.3,
          reorder: { probability: 0.15, times: 2 },
          delay: { probability: 0.3, longest: 200 },
          // The client asks three times. More losses leave the caller without an answer: only anywhere.
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
            // The faults begin with the case, after the ticks that it misses.
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
