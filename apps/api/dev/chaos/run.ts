import { setTimeout as delay } from "node:timers/promises";
import { openPool } from "#src/infrastructure/database.ts";
import { silentLog } from "../../test/support/silent-log.ts";
import { startDatabase } from "./database.ts";
import { deadIn, type Engine, ENQUEUER, prepare, waitingIn, WORKERS } from "./engines.ts";
import { injectFaults } from "./faults.ts";
import { measure, type Outcome } from "./measure.ts";
import { type FaultKind, planFaults } from "./plan.ts";
import { TABLES } from "./work.ts";
import { openWorld, type World } from "./world.ts";

export interface ChaosOptions {
  readonly engine: Engine;
  readonly seed: string;
  readonly durationMs: number;
  /** Jobs per second. */
  readonly rate: number;
  /** 2 injects faults twice as often. */
  readonly pace: number;
  /** The time limit for draining the queue afterwards. */
  readonly drainMs: number;
  /** Postgres settings that override its defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Ends the run early. It then rejects. */
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

export interface ChaosResult extends Outcome {
  readonly engine: Engine;
  readonly seed: string;
  readonly durationMs: number;
  /** The number of injected faults of each kind. */
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** Whether the queue was empty in time. */
  readonly drained: boolean;
  readonly drainSeconds: number;
  readonly dead: number;
  /** Processes that exited on their own. */
  readonly ownEnds: readonly string[];
}

const LOOK_EVERY_MS = 250;

/** Injects faults for a while, drains the queue, and counts what happened to the jobs. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { engine, seed, durationMs, settings = {}, say = () => undefined } = options;
  const signal = options.signal ?? new AbortController().signal;
  const database = await startDatabase(settings);
  const pool = openPool(database.url, silentLog, { connections: 2 });
  let world: World | undefined;
  try {
    await pool.query(TABLES);
    world = await openWorld(options, database.url, (env) => prepare(engine, env, pool));
    await within(signal, world.ready());
    say(`${engine}: ${WORKERS.length} workers are ready, faults begin`);
    const plan = planFaults({ ...options, workers: WORKERS, enqueuer: ENQUEUER });
    const faults = await within(
      signal,
      injectFaults(plan, { durationMs, signal, database, world, say }),
    );
    say(`${engine}: faults are over, the queue drains`);
    await within(signal, world.enqueuer.stop());
    const drainBegan = performance.now();
    const drained = await drains(pool, options, world, signal);
    const drainSeconds = (performance.now() - drainBegan) / 1_000;
    await within(signal, world.stopWorkers());
    const deaths = world.processes.flatMap((process) => process.deaths);
    return {
      engine,
      seed,
      durationMs,
      faults,
      drained,
      drainSeconds,
      dead: await deadIn(pool, engine),
      ownEnds: world.processes.flatMap((process) => process.ownEnds),
      ...(await measure(pool, { engine, deaths, outages: database.outages })),
    };
  } finally {
    await world?.close();
    await pool.end();
    await database.remove();
  }
}

async function drains(
  pool: ReturnType<typeof openPool>,
  { engine, drainMs }: ChaosOptions,
  world: World,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + drainMs;
  // The QStash process reports with a delay, so one empty look is not enough.
  for (let empty = 0; empty < 3; ) {
    const waiting = (await waitingIn(pool, engine)) + world.pendingInQStash();
    empty = waiting === 0 ? empty + 1 : 0;
    if (performance.now() > deadline) return false;
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
  return true;
}

/** Rejects when the run is interrupted, even if `work` never settles. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_resolve, reject) => {
    const fail = () => reject(new Error("the run was interrupted", { cause: signal.reason }));
    if (signal.aborted) fail();
    signal.addEventListener("abort", fail, { once: true });
  });
  return Promise.race([work, aborted]);
}
