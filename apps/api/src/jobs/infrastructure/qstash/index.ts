import type { JobRegistry } from "../../application/job-registry.ts";
import type { JobClock, JobLogger, SqlExecutor } from "../../application/ports.ts";
import type { DeadJobs } from "../../application/dead-jobs.ts";
import { qstashDeadJobs } from "./dead-jobs.ts";
import { createOutboxRelay, type OutboxRelay } from "./outbox-relay.ts";
import { createOutboxSweeper } from "./outbox-sweeper.ts";
import { createPublisher } from "./publisher.ts";
import { callQStash, createClient, type QStashOptions } from "./qstash-client.ts";
import { QStashJobDispatcher } from "./qstash-job-dispatcher.ts";
import { QStashJobQueue } from "./qstash-job-queue.ts";
import { QStashJobRuntime } from "./qstash-job-runtime.ts";
import { type ScheduleChanges, syncSchedules } from "./schedules.ts";
import type { SigningKeys } from "./signature.ts";

export interface QStashConfig extends QStashOptions, SigningKeys {
  readonly maxPayloadBytes: number;
  readonly shutdownGraceMs: number;
}

interface Ports {
  readonly sql: SqlExecutor;
  readonly clock: JobClock;
  readonly log: JobLogger;
}

/** The port for callers. */
export function qstashQueue(
  config: QStashConfig,
  registry: JobRegistry,
  { sql, clock }: Omit<Ports, "log">,
): QStashJobQueue {
  const publisher = createPublisher(createClient(config), config, () => clock.now());
  return new QStashJobQueue(registry, {
    publisher,
    sql,
    clock,
    maxPayloadBytes: config.maxPayloadBytes,
  });
}

/** The receiving end, for the route that QStash delivers to. */
export function qstashDispatcher(
  config: QStashConfig,
  registry: JobRegistry,
  { sql, clock, log }: Ports,
): QStashJobDispatcher {
  const client = createClient(config);
  return new QStashJobDispatcher(registry, {
    ...config,
    publisher: createPublisher(client, config, () => clock.now()),
    sql,
    clock,
    log,
    publishedAt: (id) =>
      callQStash(() => client.messages.get(id)).then(
        ({ createdAt }) => new Date(createdAt),
        () => undefined,
      ),
  });
}

/** The jobs that QStash will not deliver any more. */
export function qstashDead(
  config: QStashConfig,
  registry: JobRegistry,
  { sql, clock }: Omit<Ports, "log">,
): DeadJobs {
  return qstashDeadJobs(
    sql,
    registry,
    createPublisher(createClient(config), config, () => clock.now()),
  );
}

/** Publishes what transactions have enqueued. */
export function qstashRelay(config: QStashConfig, { sql, clock, log }: Ports): OutboxRelay {
  const publisher = createPublisher(createClient(config), config, () => clock.now());
  return createOutboxRelay({ publisher, sql, clock, log });
}

interface RuntimeParts {
  readonly dispatcher: QStashJobDispatcher | undefined;
  readonly relay: OutboxRelay | undefined;
  readonly log: JobLogger;
}

/** What a process boots. Without a dispatcher it only keeps the schedules. */
export function qstashRuntime(
  config: QStashConfig,
  registry: JobRegistry,
  { dispatcher, relay, log }: RuntimeParts,
): QStashJobRuntime {
  return new QStashJobRuntime({
    intake: dispatcher?.intake,
    sweeper: relay && createOutboxSweeper(relay, log),
    sync: () => syncQStash(config, registry),
    shutdownGraceMs: config.shutdownGraceMs,
    log,
  });
}

/**
 * Brings QStash up to date with the registry: its schedules, and how many jobs run side by side.
 *
 * @throws JobsError `jobs.provider_unavailable`, `jobs.provider_rejected`
 */
export async function syncQStash(
  config: QStashOptions,
  registry: JobRegistry,
): Promise<ScheduleChanges> {
  const client = createClient(config);
  const { namespace, concurrency } = config;
  // Messages that wait already are to keep to it, too; and not to one that was set once.
  await callQStash(() =>
    concurrency === undefined
      ? client.flowControl.unpin(namespace, { parallelism: true })
      : client.flowControl.pin(namespace, { parallelism: concurrency }),
  );
  return syncSchedules(client, registry, config);
}
