import type { JobRuntime } from "../../application/job-runtime.ts";
import { whenAborted } from "../case-steps.ts";
import type { ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import type { LateEnd } from "./commands.ts";

/** A run in flight. Its handler waits until one of the two functions is called. */
export interface Run {
  readonly id: number;
  readonly attempt: number;
  readonly maxAttempts: number;
  succeed(): void;
  fail(error: Error): void;
}

export interface Instance {
  readonly runtime: JobRuntime;
  state: "live" | "stopping" | "stopped" | "dead";
  /** Runs in flight, by the job's id. */
  readonly runs: Map<number, Run>;
  /** How runs end that begin after the instance is dead. */
  late: LateEnd;
}

export interface RunListener {
  begins(instance: Instance, run: Run): void;
  /** Also called for runs that have ended. */
  isAborted(instance: Instance, run: Run): void;
}

/** The executing processes of a world. */
export interface Instances {
  live(): readonly Instance[];
  /** The runs in flight on live instances, ordered by job. */
  runs(): readonly { readonly instance: Instance; readonly run: Run }[];
  /** Returns an instance to start, a stopped one first, or `undefined` if enough are live. */
  next(): Instance | undefined;
}

const MAX_LIVE = 2;

/** How many instances a world has room for. */
const MAX_MADE = 14;

/** More than a sequence has jobs, so that every due job runs. */
const CONCURRENCY = 60;

export function createInstances(world: ContractWorld, listener: RunListener): Instances {
  const all: Instance[] = [];
  const live = () => all.filter(({ state }) => state === "live");

  function make(): Instance {
    const job = contractJob("contract.work", async (payload, { attempt, maxAttempts, signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const run = { id: Number(payload), attempt, maxAttempts, succeed: resolve, fail: reject };
      listener.begins(instance, run);
      const endOnAbort = async () => {
        await whenAborted({ signal });
        listener.isAborted(instance, run);
        reject(new Error(`job ${run.id} was aborted`));
      };
      void endOnAbort();
      await promise;
    });
    const runtime = world.runtime({
      definitions: [job],
      concurrency: CONCURRENCY,
      shutdownGraceMs: 10,
    });
    const instance: Instance = { runtime, state: "stopped", runs: new Map(), late: "never" };
    all.push(instance);
    return instance;
  }

  return {
    live,
    runs: () =>
      live()
        .flatMap((instance) => [...instance.runs.values()].map((run) => ({ instance, run })))
        .toSorted((one, other) => one.run.id - other.run.id),
    next() {
      if (live().length >= MAX_LIVE) return undefined;
      const stopped = all.find(({ state }) => state === "stopped");
      return stopped ?? (all.length < MAX_MADE ? make() : undefined);
    },
  };
}
