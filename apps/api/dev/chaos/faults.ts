import { setTimeout as delay } from "node:timers/promises";
import type { ChaosDatabase } from "./database.ts";
import { describeFault, type Fault, type FaultKind } from "./plan.ts";
import type { World } from "./world.ts";

export interface FaultOptions {
  readonly durationMs: number;
  readonly signal: AbortSignal;
  readonly database: ChaosDatabase;
  readonly world: World;
  readonly say: (line: string) => void;
}

/**
 * Injects each fault of the plan at its time. A fault for a process that is starting waits until it is ready.
 * Resolves with the count of each kind, once the time is up and every process is ready again.
 */
export async function injectFaults(
  plan: readonly Fault[],
  { durationMs, signal, database, world, say }: FaultOptions,
): Promise<Record<FaultKind, number>> {
  const done = { kill: 0, terminate: 0, freeze: 0, cut: 0, stall: 0, restart: 0 };
  const lines = new Map<string, Promise<void>>();

  /** Runs the faults of one target in sequence. */
  const inLine = (target: string, work: () => Promise<void>) => {
    const next = (lines.get(target) ?? Promise.resolve()).then(work);
    lines.set(target, next);
    return next;
  };

  const perform = (fault: Fault): Promise<void> => {
    if (fault.kind === "restart") return database.restart(fault.how, fault.ms);
    const { target } = fault;
    if (fault.kind === "stall") {
      return inLine(`the network of ${target}`, () => stall(world, target, fault.ms, signal));
    }
    if (fault.kind === "cut") {
      world.proxyOf(target).cut();
      return Promise.resolve();
    }
    const process = world.processes.find(({ name }) => name === target);
    if (!process) throw new Error(`there is no ${target}`);
    return inLine(target, () => {
      if (fault.kind === "freeze") return process.freeze(fault.ms, signal);
      return fault.kind === "kill" ? process.kill() : process.terminate();
    });
  };

  const began = performance.now();
  const until = (at: number) =>
    delay(Math.max(0, at - (performance.now() - began)), undefined, { signal });
  await Promise.all([
    until(durationMs),
    ...plan.map(async (fault) => {
      await until(fault.at);
      say(describeFault(fault));
      await perform(fault);
      done[fault.kind] += 1;
    }),
  ]);
  await world.ready();
  return done;
}

async function stall({ proxyOf }: World, target: string, ms: number, signal: AbortSignal) {
  const proxy = proxyOf(target);
  proxy.stall();
  await delay(ms, undefined, { signal }).catch(() => undefined);
  proxy.flow();
}
