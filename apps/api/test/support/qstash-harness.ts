import { createQStashDev, type QStashDev, type QStashDevOptions } from "@orbit/qstash-dev";
import { Client } from "@upstash/qstash";
import type { Pool } from "pg";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { qstash, type QStashOptions } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import type { ContractHarness, ContractWorld } from "#src/jobs/testing/contract-harness.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { bindProvider, type TestPorts } from "./bind-provider.ts";
import { contractTransactions } from "./contract-transactions.ts";
import { createTestDatabase } from "./database.ts";
import { openFront } from "./front.ts";
import { jumpClock } from "./jump-clock.ts";
import { messageStates } from "./message-states.ts";
import { qstashCases } from "./qstash-cases.ts";
import { qstashInstances, type QStashRuntimeOptions } from "./qstash-instances.ts";
import { qstashOptions, qstashSupport } from "./qstash-options.ts";
import { ageQStashRecords, qstashDeadJobs } from "./qstash-tables.ts";
import { qstashTicks, ticksInMinute } from "./qstash-ticks.ts";

/**
 * qstash on the local QStash, over real HTTP with real signatures. While no instance runs, QStash pauses
 * its deliveries, so that none counts as an attempt.
 */
export const qstashHarness: ContractHarness = {
  provider: qstashSupport,
  ownCases: qstashCases,
  open: (definitions) => openQStashWorld(definitions),
};

export interface QStashWorld extends ContractWorld {
  readonly pool: Pool;
  readonly qstash: QStashDev;
  readonly options: QStashOptions;
  /** The app's database and clock. */
  readonly ports: TestPorts;
  /** Lines of the local QStash's log. */
  readonly log: readonly string[];
  runtime(options?: QStashRuntimeOptions): JobRuntime;
  /** Makes an instance die in the middle of its runs: QStash gets no answer from it. */
  kill(runtime: JobRuntime): void;
  /** Drops the next answers to QStash. */
  loseAnswers(count: number): void;
}

const NAMESPACE = "contract";
const PUBLIC_URL = "https://api.example.com";

/**
 * @param devOptions of the local QStash. If it is strict, the app has a public URL.
 * @param loses decides for each answer to QStash whether it gets lost
 */
export async function openQStashWorld(
  definitions: readonly JobDefinition[],
  devOptions: Omit<QStashDevOptions, "clock" | "log" | "fetch"> = {},
  loses?: () => boolean,
  parallelism = 2,
): Promise<QStashWorld> {
  const { pool, drop } = await createTestDatabase();
  const sql: SqlExecutor = { query: (text, values) => pool.query(text, [...values]) };
  const clock = jumpClock();
  const states = messageStates();
  const front = await openFront(loses);
  const log: string[] = [];
  const dev = createQStashDev({
    ...devOptions,
    clock,
    log: (line) => {
      log.push(line);
      states.read(line);
    },
    // A strict QStash refuses loopback URLs, so the public URL is redirected here.
    ...(devOptions.strict && {
      fetch: (url, init) => fetch(url.replace(PUBLIC_URL, front.url), init),
    }),
  });
  const options = qstashOptions(await dev.start(), {
    callbackUrl: devOptions.strict ? PUBLIC_URL : front.url,
    namespace: NAMESPACE,
    concurrency: parallelism,
  });
  const api = { baseUrl: options.url, token: options.token, devMode: false };
  // Retries often, because the harness itself must survive the test's faults.
  const { flowControl } = new Client({ ...api, retry: { retries: 20, backoff: () => 10 } });
  const ports: TestPorts = { sql, clock: { now: () => new Date(clock.now()) } };
  const instances = await qstashInstances({
    options,
    definitions,
    ports: { ...ports, sql },
    front,
    states,
    jump: clock.jump,
    pauseDeliveries: (paused) =>
      paused ? flowControl.pause(NAMESPACE) : flowControl.resume(NAMESPACE),
  });
  const { runtime, kill } = instances;
  const partsOf = (known: readonly JobDefinition[]) => bindProvider(qstash(options), known, ports);
  const parts = partsOf(definitions);

  return {
    pool,
    qstash: dev,
    options,
    ports,
    log,
    loseAnswers: front.loseAnswers,
    kill,
    runtime,
    queue: parts.queue,
    queueOf: (known) => partsOf(known).queue,
    crash: instances.crash,
    ticks: (definition, after, until) => qstashTicks(options, definition, after, until),
    now: () => new Date(clock.now()),
    async elapse(seconds) {
      await ageQStashRecords(pool, seconds);
      clock.jump(seconds * 1_000);
    },
    async missMinutes(minutes) {
      const earlier = runtime();
      await earlier.start();
      await earlier.stop();
      kill(earlier);
      // Deliveries find no instance, and are retried.
      await flowControl.resume(NAMESPACE);
      let ticks = states.retries();
      for (let minute = 1; minute <= minutes; minute++) {
        const before = new Date(clock.now());
        clock.jump(60_000);
        ticks += ticksInMinute(definitions, before);
        const made = ticks;
        await eventually("the ticks were made", async () => states.retries() >= made);
      }
    },
    transaction: contractTransactions(pool, parts.in),
    dead: parts.deadJobs,
    deadJobs: () => qstashDeadJobs(pool),
    waitingAfter: async (attempt) => states.waitingAfter(attempt),
    pendingCount: async () => states.pending(),
    waitingCount: async () => states.pending() - states.inFlight(),
    async close() {
      await instances.stop();
      await dev.close();
      await front.close();
      await drop();
    },
  };
}
