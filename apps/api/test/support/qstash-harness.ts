import {
  createQStashDev,
  DEV_CREDENTIALS,
  type QStashDev,
  type QStashDevOptions,
} from "@orbit/qstash-dev";
import { Client } from "@upstash/qstash";
import type { Pool } from "pg";
import type { JobDefinition } from "#/jobs/application/job-definition.ts";
import { buildJobs } from "#/jobs/application/job-registry.ts";
import type { JobRuntime } from "#/jobs/application/job-runtime.ts";
import type { SqlExecutor } from "#/jobs/application/ports.ts";
import {
  buildJobDispatcher,
  buildJobQueue,
  buildJobRuntime,
  type JobDispatcher,
  type JobsConfig,
} from "#/jobs/feature.ts";
import { qstashSupport } from "#/jobs/infrastructure/qstash/qstash-support.ts";
import type {
  ContractHarness,
  ContractWorld,
  RuntimeOptions,
} from "#/jobs/testing/contract-harness.ts";
import { eventually } from "#/jobs/testing/probe.ts";
import { createTestDatabase } from "./database.ts";
import { ageQStashRecords, qstashDeadJobs } from "./qstash-tables.ts";
import { openFront } from "./front.ts";
import { jumpClock } from "./jump-clock.ts";
import { messageStates } from "./message-states.ts";
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
  /** Lines of the local QStash's log. */
  readonly log: readonly string[];
  /** Forgets an instance as if it had died: nobody is told, and what it had under way is lost. */
  kill(runtime: JobRuntime): void;
  /** The next answers to QStash do not arrive. */
  loseAnswers(count: number): void;
}

const NAMESPACE = "contract";
const PUBLIC_URL = "https://api.example.com";

/** Longer than QStash's first pause before it looks for another instance. */
const NEXT_LOOK_SECONDS = 5;

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
  };
  const api = { baseUrl: config.url, token: config.token, devMode: false };
  // Whatever fault is on: this is how a world is made.
  const { flowControl } = new Client({ ...api, retry: { retries: 20, backoff: () => 10 } });
  const live = new Set<JobDispatcher>();
  let holding = Promise.resolve();
  const holdBack = () => {
    holding = holding.then(() =>
      live.size === 0 ? flowControl.pause(NAMESPACE) : flowControl.resume(NAMESPACE),
    );
    return holding;
  };
  await holdBack();
  const jobClock = { now: () => new Date(clock.now()) };
  const runtimes: JobRuntime[] = [];
  const dead = new Set<JobRuntime>();
  const dispatchers = new Map<JobRuntime, JobDispatcher>();

  const runtime = (options: RuntimeOptions = {}): JobRuntime => {
    const registry = buildJobs(options.definitions ?? definitions);
    const own = {
      ...config,
      concurrency: options.concurrency ?? 2,
      shutdownGraceMs: options.shutdownGraceMs ?? 100,
    };
    const dispatcher = buildJobDispatcher(own, registry, {
      // Whoever is dead has nothing more to say to the database.
      sql: {
        query: (text, values) =>
          dead.has(made)
            ? Promise.reject(new Error("this instance has died"))
            : sql.query(text, values),
      },
      clock: jobClock,
      log: silentLog,
    });
    if (!dispatcher) throw new Error("qstash has a dispatcher");
    const inner = buildJobRuntime(own, registry, { log: silentLog, dispatcher });
    const made: JobRuntime = {
      provider: "qstash",
      async start() {
        await inner.start();
        if (!dispatcher.intake.open) return;
        front.add(dispatcher);
        live.add(dispatcher);
        await holdBack();
        clock.jump(NEXT_LOOK_SECONDS * 1_000);
      },
      async stop() {
        live.delete(dispatcher);
        const stopped = inner.stop();
        await holdBack();
        await stopped;
        await eventually(
          "QStash has every answer",
          async () => states.underWay() <= front.underWay(),
        );
      },
    };
    runtimes.push(made);
    dispatchers.set(made, dispatcher);
    return made;
  };

  const kill = (running: JobRuntime) => {
    const dispatcher = dispatchers.get(running);
    if (!dispatcher) return;
    live.delete(dispatcher);
    dead.add(running);
    front.kill(dispatcher);
  };

  const queueOf = (known: readonly JobDefinition[]) =>
    buildJobQueue(config, buildJobs(known), { sql, clock: jobClock });

  return {
    pool,
    qstash,
    log,
    loseAnswers: front.loseAnswers,
    kill,
    runtime,
    queue: queueOf(definitions),
    queueOf,
    async crash(running) {
      kill(running);
      await holdBack();
    },
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
    deadJobs: () => qstashDeadJobs(pool),
    waitingAfter: async (attempt) => states.waitingAfter(attempt),
    pendingCount: async () => states.pending(),
    waitingCount: async () => states.pending() - states.underWay(),
    async close() {
      await Promise.all(runtimes.map((running) => running.stop()));
      await qstash.close();
      await front.close();
      await drop();
    },
  };
}
