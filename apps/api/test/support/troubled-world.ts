import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { BulkJobQueue } from "#src/jobs/application/job-queue.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import type { ContractWorld } from "#src/jobs/testing/contract-harness.ts";
import type { FaultPlan } from "./fault-plan.ts";
import { idempotent } from "./idempotent.ts";
import { insistentQueue, insistentRuntime } from "./insistent.ts";

export interface Troubles {
  /** May inject a fault before a call of the case. `isAlone` says whether no other call is in flight. */
  readonly strike: (isAlone: () => boolean) => Promise<void>;
  /** Ends all faults. */
  readonly end: () => void;
}

/** Opens a world with faults. Its callers and supervisors retry, and its handlers are idempotent. */
export async function openTroubledWorld(
  { anywhere, count }: FaultPlan,
  definitions: readonly JobDefinition[],
  open: (
    definitions: readonly JobDefinition[],
  ) => Promise<{ world: ContractWorld; troubles: Troubles }>,
): Promise<ContractWorld> {
  const once = idempotent({
    by: anywhere ? "payload" : "job",
    onRepeat: () => count("a repeated run"),
  });
  const { world, troubles } = await open(once(definitions));
  let underWay = 0;
  const strikeAndCall = async <T>(call: () => Promise<T>): Promise<T> => {
    underWay += 1;
    try {
      await troubles.strike(() => underWay === 1);
      return await call();
    } finally {
      underWay -= 1;
    }
  };
  const inner = new Map<JobRuntime, JobRuntime>();
  const troubled = (queue: BulkJobQueue): BulkJobQueue => {
    const insistent = insistentQueue(queue, () => count("a repeated enqueue"));
    return {
      enqueue: (...args) => strikeAndCall(() => insistent.enqueue(...args)),
      add: (...args) => strikeAndCall(() => insistent.add(...args)),
      enqueueMany: (requests) => strikeAndCall(() => insistent.enqueueMany(requests)),
    };
  };
  return {
    ...world,
    queue: troubled(world.queue),
    queueOf: (known) => troubled(world.queueOf(known)),
    runtime({ definitions: own, ...options } = {}) {
      const made = world.runtime({ ...options, ...(own && { definitions: once(own) }) });
      const outer = insistentRuntime(made, () => count("a repeated start"));
      inner.set(outer, made);
      return outer;
    },
    crash: (runtime) => world.crash(inner.get(runtime) ?? runtime),
    elapse: (seconds) => strikeAndCall(() => world.elapse(seconds)),
    async close() {
      troubles.end();
      await world.close();
    },
  };
}
