import type {
  JobProvider,
  ProviderFromEnv,
  ProviderPorts,
} from "../../application/job-provider.ts";
import { unfailingLog } from "../../application/unfailing-log.ts";
import {
  applyMigrations,
  COMMON_OBJECTS,
  commonMigrations,
  outboxMigrations,
} from "../sql/apply-migrations.ts";
import { pruneJob, publishOutboxJob } from "../sql/maintenance.ts";
import { openOwnedPool } from "../sql/owned-pool.ts";
import { createEncodingCheck } from "../sql/text-encoding.ts";
import { createQStashDeadJobs } from "./dead-jobs.ts";
import { createQStashQueue } from "./enqueue-jobs.ts";
import { createInFlightDeliveries } from "./in-flight-deliveries.ts";
import { createOutboxRelay, createOutboxSweeper } from "./outbox-relay.ts";
import { createPublisher, learnPlanRetryLimit } from "./publisher.ts";
import { createClient, findPublicationTime } from "./qstash-client.ts";
import {
  normalBaseUrl,
  type QStashEnvironment,
  readQStashEnvironment,
} from "./qstash-environment.ts";
import { createQStashJobDispatcher, type QStashJobDispatcher } from "./qstash-job-dispatcher.ts";
import { createQStashRuntime } from "./qstash-runtime.ts";
import { syncQStashSchedules } from "./schedules.ts";
import { createTransactionJobs } from "./transaction-queue.ts";

/** QStash's account, and this app's place in it. */
export interface QStashOptions extends QStashEnvironment {
  /** How many jobs run at a time over all instances. Default: as many as QStash delivers. */
  readonly concurrency?: number | undefined;
  /** The database of an app that passes no `sql`. */
  readonly databaseUrl?: string | undefined;
}

/** Jobs are messages at Upstash QStash, which delivers them to this app's webhook. */
export function qstash(options: QStashOptions): JobProvider {
  const { databaseUrl, namespace, concurrency } = options;
  const callbackUrl = normalBaseUrl(options.callbackUrl);
  const settings = { callbackUrl, namespace, concurrency };
  const client = createClient(options);
  const planRetryLimit = learnPlanRetryLimit();
  const publisher = createPublisher(client, settings, planRetryLimit);
  const relayFor = ({ sql, clock, log }: ProviderPorts) =>
    createOutboxRelay({ publisher, sql, clock, log: unfailingLog(log) });

  return {
    name: "qstash",
    unsupported: {
      priority: "QStash delivers each message on its own and does not order waiting messages.",
      longRuns: "QStash ends a request after at most two hours (15 minutes on its free plan).",
    },
    needsProcess: false,
    // An instance that stops answers QStash "retry later" until its runs have ended.
    stopBeforeHttp: true,
    usedObjects: COMMON_OBJECTS,
    noWorkerReason: "QStash needs no worker: it delivers jobs to the API. Run `npm start`.",

    async migrate(pool) {
      await applyMigrations(pool, commonMigrations);
      await applyMigrations(pool, outboxMigrations);
    },

    ...(databaseUrl !== undefined && { openDatabase: () => openOwnedPool(databaseUrl) }),

    maintenance(ports) {
      const relay = relayFor(ports);
      return [pruneJob(ports), publishOutboxJob(() => relay.sweep())];
    },

    bind(registry, ports) {
      const { sql, clock } = ports;
      const log = unfailingLog(ports.log);
      const { maxPayloadBytes, shutdownGraceMs } = ports.settings;
      const relay = relayFor(ports);
      const inFlight = createInFlightDeliveries();
      const isUtf8 = createEncodingCheck();
      const syncSchedules = () =>
        syncQStashSchedules(registry, { client, settings, planRetryLimit });
      const dispatcher: QStashJobDispatcher = createQStashJobDispatcher(
        registry,
        { callbackUrl, keys: options },
        {
          publisher,
          sql,
          clock,
          log,
          inFlight,
          findPublicationTime: (qstashId) => findPublicationTime(client, qstashId),
        },
      );
      return {
        queue: createQStashQueue(registry, maxPayloadBytes, { publisher, sql, clock }),
        in: (transaction) =>
          createTransactionJobs(registry, maxPayloadBytes, transaction, { relay, log, isUtf8 }),
        runtime: createQStashRuntime({
          inFlight,
          sweeper: createOutboxSweeper(relay, log),
          syncSchedules,
          shutdownGraceMs,
          log,
        }),
        deadJobs: createQStashDeadJobs(registry, { publisher, sql, clock }),
        dispatcher,
        syncSchedules,
      };
    },
  };
}

/** Makes the provider from `QSTASH_*`. See docs/providers/qstash.md. */
export const qstashFromEnv: ProviderFromEnv = ({ env, concurrency, databaseUrl }) => {
  const result = readQStashEnvironment(env);
  if (!result.ok) return result;
  return { ok: true, provider: qstash({ ...result.values, concurrency, databaseUrl }) };
};
