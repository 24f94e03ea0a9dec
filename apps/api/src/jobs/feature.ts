import type { Pool } from "pg";
import type { DeadJobs } from "./application/dead-jobs.ts";
import type { JobDefinition } from "./application/job-definition.ts";
import type { JobQueue } from "./application/job-queue.ts";
import type { JobRegistry } from "./application/job-registry.ts";
import type { JobRuntime } from "./application/job-runtime.ts";
import type { JobClock, JobLogger, SqlExecutor } from "./application/ports.ts";
import type { Ledger } from "./application/ledger.ts";
import type { ProviderSupport } from "./application/provider-support.ts";
import type { BindTransactionJobs } from "./application/transactional-jobs.ts";
import { maintenanceJobs } from "./infrastructure/maintenance-jobs.ts";
import { sqlLedger } from "./infrastructure/sql-ledger.ts";
import { migrateCommon } from "./infrastructure/common-migrations.ts";
import { consoleLog } from "./infrastructure/console-log.ts";
import {
  graphileQueue,
  graphileRuntime,
  migrateGraphile,
} from "#src/jobs/infrastructure/graphile/index.ts";
import { graphileDeadJobs } from "./infrastructure/graphile/graphile-dead-jobs.ts";
import { graphileSupport } from "./infrastructure/graphile/graphile-support.ts";
import { memoryDeadJobs } from "./infrastructure/memory/memory-dead-jobs.ts";
import { memoryQueue } from "./infrastructure/memory/memory-job-queue.ts";
import { MemoryJobRuntime } from "./infrastructure/memory/memory-job-runtime.ts";
import { memoryTransaction } from "./infrastructure/memory/memory-transaction.ts";
import { memorySupport } from "./infrastructure/memory/memory-support.ts";
import { noDeadJobs } from "./infrastructure/noop/no-dead-jobs.ts";
import { NoopJobQueue } from "./infrastructure/noop/noop-job-queue.ts";
import { NoopJobRuntime } from "./infrastructure/noop/noop-job-runtime.ts";
import {
  qstashDead,
  qstashDispatcher,
  qstashQueue,
  qstashRelay,
  qstashRuntime,
  syncQStash,
} from "./infrastructure/qstash/index.ts";
import { qstashSupport } from "./infrastructure/qstash/qstash-support.ts";
import { outboxJobs } from "./infrastructure/qstash/outbox-queue.ts";
import type { OutboxRelay } from "./infrastructure/qstash/outbox-relay.ts";
import type { ScheduleChanges } from "./infrastructure/qstash/schedules.ts";
import { migrateQStash } from "./infrastructure/qstash/migrate.ts";
import type {
  DeliveryResult,
  IncomingDelivery,
  QStashJobDispatcher as JobDispatcher,
} from "./infrastructure/qstash/qstash-job-dispatcher.ts";
import type { JobsConfig } from "./jobs-config.ts";

export { type JobsConfig, readJobsConfig } from "./jobs-config.ts";
export type { DeliveryResult, IncomingDelivery, JobDispatcher };

const systemClock: JobClock = { now: () => new Date() };

/** What the providers say of themselves. */
export const providerSupports: readonly ProviderSupport[] = [
  graphileSupport,
  qstashSupport,
  memorySupport,
];

/** What the chosen provider cannot do, for `buildJobs` to refuse; noop runs nothing, whatever it is. */
export function providerSupport(config: JobsConfig): ProviderSupport | undefined {
  return providerSupports.find(({ provider }) => provider === config.provider);
}

/** Brings the provider's tables up to date. Safe at every start, and by many at once. */
export async function prepareJobs({ provider }: JobsConfig, pool: Pool): Promise<void> {
  if (provider === "graphile") await migrateGraphile(pool);
  else if (provider === "qstash") await migrateQStash(pool);
  else await migrateCommon(pool);
}

/** The port for callers. `sql` runs statements on the app's own database pool. */
export function buildJobQueue(
  config: JobsConfig,
  registry: JobRegistry,
  { sql, clock = systemClock }: { readonly sql: SqlExecutor; readonly clock?: JobClock },
): JobQueue {
  switch (config.provider) {
    case "noop":
      return new NoopJobQueue();
    case "graphile":
      return graphileQueue(registry, { sql, maxPayloadBytes: config.maxPayloadBytes });
    case "memory":
      return memoryQueue(registry, config.store, config.maxPayloadBytes);
    case "qstash":
      return qstashQueue(config, registry, { sql, clock });
  }
}

/**
 * Binds `tx.jobs` to transactions. What is enqueued there commits and rolls back with them.
 *
 * @param relay of the provider that has one, see {@link buildOutboxRelay}
 */
export function buildTransactionJobs(
  config: JobsConfig,
  registry: JobRegistry,
  { relay, log = consoleLog() }: { readonly relay?: OutboxRelay | undefined; log?: JobLogger } = {},
): BindTransactionJobs {
  const { maxPayloadBytes } = config;
  const committed = async () => undefined;
  switch (config.provider) {
    case "noop":
      return () => ({ queue: new NoopJobQueue(), committed });
    case "memory":
      return () => memoryTransaction(registry, config.store, maxPayloadBytes);
    case "graphile":
      return (sql) => ({ queue: graphileQueue(registry, { sql, maxPayloadBytes }), committed });
    case "qstash":
      if (!relay) throw new Error("the qstash provider needs its outbox relay");
      return outboxJobs(registry, { maxPayloadBytes, relay, log });
  }
}

/** Publishes what transactions have enqueued, for a provider that takes part in none. */
export function buildOutboxRelay(
  config: JobsConfig,
  {
    sql,
    clock = systemClock,
    log = consoleLog(),
  }: { readonly sql: SqlExecutor; readonly clock?: JobClock; readonly log?: JobLogger },
): OutboxRelay | undefined {
  if (config.provider !== "qstash") return undefined;
  return qstashRelay(config, { sql, clock, log });
}

/** The ledger of a transaction, whose statements `sql` runs. */
export function buildLedger(sql: SqlExecutor): Ledger {
  return sqlLedger(sql);
}

/** The module's own jobs, for the registry beside those of the features. */
export function buildMaintenanceJobs(
  config: JobsConfig,
  core: OrbitJobs.Core,
  { sql, relay }: { readonly sql: SqlExecutor; readonly relay?: OutboxRelay | undefined },
): readonly JobDefinition[] {
  if (config.provider === "noop") return [];
  return maintenanceJobs(core, { ...config, sql, sweepOutbox: relay && (() => relay.sweep()) });
}

/** The jobs that no further attempt will be made of. */
export function buildDeadJobs(
  config: JobsConfig,
  registry: JobRegistry,
  { sql, clock = systemClock }: { readonly sql: SqlExecutor; readonly clock?: JobClock },
): DeadJobs {
  switch (config.provider) {
    case "noop":
      return noDeadJobs;
    case "memory":
      return memoryDeadJobs(config.store, registry);
    case "graphile":
      return graphileDeadJobs(sql, registry);
    case "qstash":
      return qstashDead(config, registry, { sql, clock });
  }
}

/** The receiving end of a provider that delivers jobs over HTTP; `undefined` for the others. */
export function buildJobDispatcher(
  config: JobsConfig,
  registry: JobRegistry,
  {
    sql,
    clock = systemClock,
    log = consoleLog(),
  }: { readonly sql: SqlExecutor; readonly clock?: JobClock; readonly log?: JobLogger },
): JobDispatcher | undefined {
  if (config.provider !== "qstash") return undefined;
  return qstashDispatcher(config, registry, { sql, clock, log });
}

/**
 * The port for the process that executes. Without a `log`, troubles go to the console. With a
 * `dispatcher`, stopping drains what it has under way; with a `relay`, the outbox is swept.
 */
export function buildJobRuntime(
  config: JobsConfig,
  registry: JobRegistry,
  {
    log = consoleLog(),
    dispatcher,
    relay,
  }: {
    readonly log?: JobLogger;
    readonly dispatcher?: JobDispatcher | undefined;
    readonly relay?: OutboxRelay | undefined;
  } = {},
): JobRuntime {
  switch (config.provider) {
    case "noop":
      return new NoopJobRuntime(registry, log);
    case "graphile":
      return graphileRuntime(registry, {
        connectionString: config.workerDatabaseUrl,
        concurrency: config.concurrency,
        shutdownGraceMs: config.shutdownGraceMs,
        log,
      });
    case "memory":
      return new MemoryJobRuntime(registry, { ...config, log });
    case "qstash":
      return qstashRuntime(config, registry, { dispatcher, relay, log });
  }
}

/**
 * What `start()` of the qstash runtime does first, for deployments that start nothing: makes QStash's
 * schedules those of the registry.
 *
 * @throws JobsError `jobs.provider_unavailable`, `jobs.provider_rejected`
 */
export function syncSchedules(
  config: JobsConfig & { readonly provider: "qstash" },
  registry: JobRegistry,
): Promise<ScheduleChanges> {
  return syncQStash(config, registry);
}
