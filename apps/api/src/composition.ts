import type { Pool } from "pg";
import {
  type BillingWebhook,
  createBillingWebhook,
} from "#src/billing/application/billing-webhook.ts";
import { findSubscription } from "#src/billing/application/repositories.ts";
import type { Subscription } from "#src/billing/domain/subscription.ts";
import { billingFeature } from "#src/billing/feature.ts";
import {
  drizzleBillingEvents,
  drizzleSubscriptions,
} from "#src/billing/infrastructure/drizzle-repositories.ts";
import { stripeWebhookVerifier } from "#src/billing/infrastructure/stripe-webhook-verifier.ts";
import type { AppConfig } from "#src/config.ts";
import type { AppCore, AppFeature } from "#src/core.ts";
import { openPool as openPoolOfProcess } from "#src/infrastructure/database.ts";
import { createDrizzleUnitOfWork } from "#src/infrastructure/drizzle-unit-of-work.ts";
import { createEventPublisher } from "#src/infrastructure/event-publisher.ts";
import type { DevelopmentMailer } from "#src/infrastructure/mailer.ts";
import { randomIds } from "#src/infrastructure/random-ids.ts";
import type { DeadJobs } from "#src/jobs/application/dead-jobs.ts";
import { buildJobs, type JobRegistry } from "#src/jobs/application/job-registry.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { within } from "#src/jobs/application/within.ts";
import {
  buildDeadJobs,
  buildJobDispatcher,
  buildJobQueue,
  buildJobRuntime,
  buildLedger,
  buildMaintenanceJobs,
  buildOutboxRelay,
  buildTransactionJobs,
  type JobDispatcher,
  providerSupport,
} from "#src/jobs/feature.ts";
import { type Clock, systemClock } from "#src/kernel/clock.ts";
import type { EventSubscriber } from "#src/kernel/events.ts";
import type { Logger } from "#src/kernel/logger.ts";
import type { Mailer } from "#src/kernel/mailer.ts";
import {
  createWorkspaceService,
  type WorkspaceService,
} from "#src/workspaces/application/workspace-service.ts";
import { workspacesFeature } from "#src/workspaces/feature.ts";
import {
  drizzleWorkspaceInvites,
  drizzleWorkspaces,
} from "#src/workspaces/infrastructure/drizzle-repositories.ts";

/** The assembled app. */
export interface Container {
  readonly config: AppConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly registry: JobRegistry;
  readonly queue: AppCore["queue"];
  readonly deadJobs: DeadJobs;
  readonly runtime: JobRuntime;
  /** Only where jobs are delivered over HTTP. */
  readonly dispatcher: JobDispatcher | undefined;
  readonly workspaces: WorkspaceService;
  /** Only where there is a secret to verify deliveries with. */
  readonly billingWebhook: BillingWebhook | undefined;
  /** @throws AppError `billing.subscription_not_found` */
  findSubscription(id: string): Promise<Subscription>;
  /** Only where mails are kept instead of sent. */
  readonly developmentMailer: DevelopmentMailer | undefined;
  /** Rejects when the database does not answer. */
  pingDatabase(): Promise<void>;
  /** Ends the database pool; stop the runtime first. */
  close(): Promise<void>;
}

const CLOSE_TIMEOUT_MS = 3_000;
const PING_TIMEOUT_MS = 2_000;

const features: readonly AppFeature[] = [workspacesFeature, billingFeature];

/** What depends on where the app runs. */
export interface Platform {
  readonly log: Logger;
  readonly mailer: Mailer | DevelopmentMailer;
  readonly clock?: Clock;
  /** Whoever composes closes it with the container. */
  readonly openPool?: (url: string, log: Logger) => Pool;
}

/** The only place that knows every feature and every adapter. Nothing is connected yet. */
export function compose(
  config: AppConfig,
  { log, mailer, clock = systemClock, openPool = openPoolOfProcess }: Platform,
): Container {
  const pool = openPool(config.databaseUrl, log);

  let subscribers: readonly EventSubscriber[] = [];
  const uow = createDrizzleUnitOfWork(
    pool,
    (db) => ({
      workspaces: drizzleWorkspaces(db),
      workspaceInvites: drizzleWorkspaceInvites(db),
      billingEvents: drizzleBillingEvents(db),
      billingSubscriptions: drizzleSubscriptions(db),
    }),
    (executor) => {
      const { queue: jobs, ...hooks } = bindJobs(executor);
      return { jobs, processed: buildLedger(executor), ...hooks };
    },
    createEventPublisher(() => subscribers, log),
  );

  // The queue checks names against the registry, whose handlers may want the queue: whichever is
  // used first, both are there by then.
  const core: AppCore = {
    uow,
    clock,
    ids: randomIds,
    mailer,
    log,
    queue: {
      enqueue: (name, payload, options) => queue.enqueue(name, payload, options),
      enqueueMany: (requests) => queue.enqueueMany(requests),
    },
  };
  const sql: SqlExecutor = { query: (text, values) => pool.query(text, [...values]) };
  const relay = buildOutboxRelay(config.jobs, { sql, clock, log });
  const definitions = [
    ...features.flatMap((feature) => feature.jobs?.(core) ?? []),
    ...buildMaintenanceJobs(config.jobs, core, { sql, relay }),
  ];
  const registry = buildJobs(definitions, providerSupport(config.jobs));
  const bindJobs = buildTransactionJobs(config.jobs, registry, { relay, log });
  const queue = buildJobQueue(config.jobs, registry, { sql, clock });
  const dispatcher = buildJobDispatcher(config.jobs, registry, { sql, clock, log });
  subscribers = features.flatMap((feature) => feature.subscribers?.(core) ?? []);

  return {
    config,
    log,
    clock,
    registry,
    queue,
    dispatcher,
    deadJobs: buildDeadJobs(config.jobs, registry, { sql, clock }),
    runtime: buildJobRuntime(config.jobs, registry, { log, dispatcher, relay }),
    workspaces: createWorkspaceService(core),
    billingWebhook: config.stripeWebhookSecret
      ? createBillingWebhook(core, stripeWebhookVerifier(config.stripeWebhookSecret, clock))
      : undefined,
    findSubscription: (id) => findSubscription(uow, id),
    developmentMailer: "sent" in mailer ? mailer : undefined,
    pingDatabase: () => ping(pool),
    // A handler that ignored its signal may hold a connection for ever.
    close: () => within(CLOSE_TIMEOUT_MS, pool.end(), () => undefined),
  };
}

/** Whoever asks for the app's health wants to know soon; a connection that is silent is given up. */
async function ping(pool: Pool): Promise<void> {
  const query = { text: "select 1", query_timeout: PING_TIMEOUT_MS };
  // Connecting may take longer than that.
  await within(PING_TIMEOUT_MS, pool.query(query), () => {
    throw new Error("the database is silent");
  });
}
