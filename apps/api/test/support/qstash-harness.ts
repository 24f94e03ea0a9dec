import {
  createQStashDev,
  DEV_CREDENTIALS,
  type QStashDev,
  type QStashDevOptions,
} from "@orbit/qstash-dev";
import { Client } from "@upstash/qstash";
import type { Pool } from "pg";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import {
  buildDeadJobs,
  buildJobQueue,
  buildOutboxRelay,
  buildTransactionJobs,
  type JobsConfig,
} from "#src/jobs/feature.ts";
import { qstashSupport } from "#src/jobs/infrastructure/qstash/qstash-support.ts";
import type { ContractHarness, ContractWorld } from "#src/jobs/testing/contract-harness.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { contractTransactions } from "./contract-transactions.ts";
import { createTestDatabase } from "./database.ts";
import { ageQStashRecords, qstashDeadJobs } from "./qstash-tables.ts";
import { openFront } from "./front.ts";
import { jumpClock } from "./jump-clock.ts";
import { messageStates } from "./message-states.ts";
import { qstashInstances } from "./qstash-instances.ts";
import { qstashCases } from "./qstash-cases.ts";
import { qstashTicks, ticksInMinute } from "./qstash-ticks.ts";
import { silentLog } from "./silent-log.ts";

/**
 * qstash on the local QStash, over real HTTP with real signatures. While there is no instance QStash
 * holds its deliveries back, so that no attempt is lost on nobody.
 */
export const qstashHarness: ContractHarness = {
  support: qstashSupport,
  ownCases: qstashCases,
  open: (definitions) => openQStashWorld(definitions),
};

export interface QStashWorld extends ContractWorld {
  readonly pool: Pool;
  readonly qstash: QStashDev;
  readonly config: JobsConfig;
  /** Lines of the local QStash's log. */
  readonly log: readonly string[];
  /** Forgets an instance as if it had died: nobody is told, and what it had under way is lost. */
  kill(runtime: JobRuntime): void;
  /** The next answers to QStash do not arrive. */
  loseAnswers(count: number): void;
}

const NAMESPACE = "contract";
const PUBLIC_URL = "https://api.example.com";

/**
 * `devOptions` are the local QStash's: a strict one has the app under a name of its own. `loses` says
 * of each answer to it whether it gets lost.
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
  const qstash = createQStashDev({
    ...devOptions,
    clock,
    log: (line) => {
      log.push(line);
      states.read(line);
    },
    // Production does not deliver to this machine; a name that leads to it is no loopback.
    ...(devOptions.strict && {
      fetch: (url, init) => fetch(url.replace(PUBLIC_URL, front.url), init),
    }),
  });
  const config: JobsConfig & { provider: "qstash" } = {
    provider: "qstash",
    url: await qstash.start(),
    token: DEV_CREDENTIALS.token,
    currentSigningKey: DEV_CREDENTIALS.currentSigningKey,
    nextSigningKey: DEV_CREDENTIALS.nextSigningKey,
    callbackUrl: devOptions.strict ? PUBLIC_URL : front.url,
    namespace: NAMESPACE,
    concurrency: parallelism,
    maxPayloadBytes: 1_048_576,
    shutdownGraceMs: 100,
    deadRetentionDays: 30,
    ledgerRetentionDays: 90,
  };
  const api = { baseUrl: config.url, token: config.token, devMode: false };
  // Whatever fault is on: this is how a world is made.
  const { flowControl } = new Client({ ...api, retry: { retries: 20, backoff: () => 10 } });
  const jobClock = { now: () => new Date(clock.now()) };
  const instances = await qstashInstances({
    config,
    definitions,
    sql,
    jobClock,
    front,
    states,
    jump: clock.jump,
    holdBack: (hold) => (hold ? flowControl.pause(NAMESPACE) : flowControl.resume(NAMESPACE)),
  });
  const { runtime, kill } = instances;

  const relay = buildOutboxRelay(config, { sql, clock: jobClock, log: silentLog });
  const queueOf = (known: readonly JobDefinition[]) =>
    buildJobQueue(config, buildJobs(known), { sql, clock: jobClock });

  return {
    pool,
    qstash,
    config,
    log,
    loseAnswers: front.loseAnswers,
    kill,
    runtime,
    queue: queueOf(definitions),
    queueOf,
    crash: instances.crash,
    ticks: (definition, after, until) => qstashTicks(config, definition, after, until),
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
      // Deliveries find nobody, and are tried again.
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
    transaction: contractTransactions(
      pool,
      buildTransactionJobs(config, buildJobs(definitions), { relay, log: silentLog }),
    ),
    dead: buildDeadJobs(config, buildJobs(definitions), { sql, clock: jobClock }),
    deadJobs: () => qstashDeadJobs(pool),
    waitingAfter: async (attempt) => states.waitingAfter(attempt),
    pendingCount: async () => states.pending(),
    waitingCount: async () => states.pending() - states.underWay(),
    async close() {
      await instances.stop();
      await qstash.close();
      await front.close();
      await drop();
    },
  };
}
