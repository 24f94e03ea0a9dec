import type { EnqueueRequest } from "../../application/job-queue.ts";
import type { ContractWorld } from "../contract-harness.ts";
import type { EnqueueCommand } from "./commands.ts";
import type { WorldTime } from "./elapsed.ts";
import type { Model } from "./model.ts";

export interface EnqueuePlay {
  readonly world: ContractWorld;
  readonly model: Model;
  readonly time: WorldTime;
}

/** Enqueues one or many, with one key at most, and finds out what became of the key. */
export async function playEnqueue(
  play: EnqueuePlay,
  jobs: readonly EnqueueCommand[],
): Promise<void> {
  const { world, model, time } = play;
  const known = model.jobs.filter(({ state }) => state !== "done").length;
  const entries = jobs.map((options) => ({ id: model.nextId(), options }));
  const keyed = entries.find(({ options }) => options.key !== undefined);
  const expected = model.expect(keyed?.options.key, time.now());
  // Whoever may die at this moment could be counted for the new one.
  if (expected === "either" && model.doomed.length > 0) return;

  // Before it is sent: it may run before the answer is there.
  const added = entries.filter(
    (entry) => entry.options.key === undefined || (entry === keyed && expected !== "absorbed"),
  );
  for (const { id, options } of added) model.add(id, options, time.now());
  await send(
    world,
    entries.map(({ id, options }) => requestOf(world, id, options)),
  );
  if (model.doomed.length > 0) return;
  const count = (await world.pendingCount()) + (await world.deadJobs()).length - known;
  const wasAbsorbed = expected === "either" && count === added.length - 1;
  if (wasAbsorbed && keyed) model.remove(keyed.id);
  else if (count !== added.length)
    throw new Error(`${count} jobs were added instead of ${added.length}`);
}

async function send({ queue }: ContractWorld, requests: readonly EnqueueRequest[]): Promise<void> {
  const [only, ...others] = requests;
  if (!only || others.length > 0) await queue.enqueueMany(requests);
  else await queue.enqueue(only.name, only.payload, only.options);
}

function requestOf(
  world: ContractWorld,
  id: number,
  { key, maxAttempts, delay }: EnqueueCommand,
): EnqueueRequest {
  return {
    name: "contract.work",
    payload: id,
    options: {
      ...(key !== undefined && { jobKey: key }),
      ...(maxAttempts !== undefined && { maxAttempts }),
      ...(delay !== undefined && { runAt: new Date(world.now().getTime() + delay * 1_000) }),
    },
  };
}
