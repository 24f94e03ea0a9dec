import type { JobRuntime } from "../../application/job-runtime.ts";
import type { ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { whenAborted } from "../case-steps.ts";
import type { LateEnd } from "./commands.ts";

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
  /** Under way, by the job's id. */
  readonly runs: Map<number, Run>;
  /** What becomes of a run that begins once its instance is dead. */
  late: LateEnd;
}

export interface RunListener {
  begins(instance: Instance, run: Run): void;
  /** Also of runs that have ended. */
  isAborted(instance: Instance, run: Run): void;
}

const LIVE = 2;

/** What a world has room for. */
const MADE = 14;

/** More than a sequence has jobs, so that whatever is due runs. */
const CONCURRENCY = 60;

/** The executing processes of a world. Their handlers do what they are told. */
export class Instances {
  readonly #world: ContractWorld;
  readonly #listener: RunListener;
  readonly all: Instance[] = [];

  constructor(world: ContractWorld, listener: RunListener) {
    this.#world = world;
    this.#listener = listener;
  }

  /** Under way on live instances, in the order of their jobs. */
  get runs(): readonly { readonly instance: Instance; readonly run: Run }[] {
    return this.live
      .flatMap((instance) => [...instance.runs.values()].map((run) => ({ instance, run })))
      .toSorted((a, b) => a.run.id - b.run.id);
  }

  get live(): readonly Instance[] {
    return this.all.filter(({ state }) => state === "live");
  }

  /** The one that is to be started next, if there may be one more: who was stopped comes first. */
  next(): Instance | undefined {
    if (this.live.length >= LIVE) return undefined;
    const stopped = this.all.find(({ state }) => state === "stopped");
    return stopped ?? (this.all.length < MADE ? this.#make() : undefined);
  }

  #make(): Instance {
    const runs = new Map<number, Run>();
    const job = contractJob("contract.work", async (payload, { attempt, maxAttempts, signal }) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const run = { id: Number(payload), attempt, maxAttempts, succeed: resolve, fail: reject };
      this.#listener.begins(instance, run);
      // As a handler should, it ends when it is told to.
      const abort = async () => {
        await whenAborted({ signal });
        this.#listener.isAborted(instance, run);
        reject(new Error(`job ${run.id} was told to end`));
      };
      void abort();
      await promise;
    });
    const runtime = this.#world.runtime({
      definitions: [job],
      concurrency: CONCURRENCY,
      shutdownGraceMs: 10,
    });
    const instance: Instance = { runtime, state: "stopped", runs, late: "never" };
    this.all.push(instance);
    return instance;
  }
}
