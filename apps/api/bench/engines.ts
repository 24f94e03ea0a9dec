import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { Pool } from "pg";
import { createJobs } from "#src/jobs/application/create-jobs.ts";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import { workerPreset } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "bench.nothing": { number: number };
    }
  }
}

/** A library under comparison. */
export interface Engine {
  readonly name: string;
  enqueue(number: number): Promise<void>;
  enqueueMany(count: number): Promise<void>;
  /** Starts a worker that calls `onRun` for every job. Returns the function that stops it. */
  work(onRun: () => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

const NAME = "bench.nothing";
const silent = () => undefined;

function openPool(connectionString: string): Pool {
  const pool = new Pool({ connectionString, max: 10 });
  pool.on("error", silent);
  pool.on("connect", (client) => client.on("error", silent));
  return pool;
}

/** graphile-worker itself, with the adapter's settings or its own defaults. */
export async function rawEngine(
  name: string,
  url: string,
  concurrency: number,
  preset: Partial<GraphileConfig.WorkerOptions>,
): Promise<Engine> {
  const logger = new Logger(() => silent);
  const utils = await makeWorkerUtils({ pgPool: openPool(url), logger });
  return {
    name,
    enqueue: async (number) => void (await utils.addJob(NAME, { number }, { maxAttempts: 10 })),
    enqueueMany: async (count) =>
      void (await utils.addJobs(
        Array.from({ length: count }, (_, number) => ({
          identifier: NAME,
          payload: { number },
          maxAttempts: 10,
        })),
      )),
    async work(onRun) {
      const pgPool = openPool(url);
      const taskList = { [NAME]: async () => onRun() };
      const runner = await run({
        pgPool,
        logger,
        taskList,
        noHandleSignals: true,
        parsedCronItems: [],
        preset: {
          worker: {
            concurrentJobs: concurrency,
            ...preset,
          },
        },
      });
      return async () => {
        await runner.stop();
        await pgPool.end();
      };
    },
    close: async () => utils.release(),
  };
}

/** Orbit Jobs as an app uses it. */
export function orbitEngine(url: string, concurrency: number): Engine {
  const pool = openPool(url);
  let onEachRun: () => void = silent;
  const job = defineJob({ name: NAME, handler: async () => onEachRun() });
  const log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log };
  const { queue, runtime } = createJobs({
    provider: graphile({ databaseUrl: url, concurrency }),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler does not use it
    core: {} as OrbitJobs.Core,
    jobs: [job],
    sql: { query: (text, values) => pool.query(text, [...values]) },
    log,
  });
  return {
    name: "Orbit Jobs",
    enqueue: (number) => queue.enqueue(NAME, { number }),
    enqueueMany: (count) =>
      queue.enqueueMany(
        Array.from({ length: count }, (_, number) => ({ name: NAME, payload: { number } })),
      ),
    async work(onRun) {
      onEachRun = onRun;
      await runtime.start();
      return () => runtime.stop();
    },
    close: () => pool.end(),
  };
}

/** The adapter's settings for graphile-worker. */
export const oursForRaw = (concurrency: number) => workerPreset(concurrency);
