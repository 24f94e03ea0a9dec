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
import { createEventLogs } from "#src/events/application/event-log.ts";
import { eventsFeature } from "#src/events/feature.ts";
import { drizzleDomainEvents } from "#src/events/infrastructure/drizzle-domain-events.ts";
import { openPool as openPoolOfProcess } from "#src/infrastructure/database.ts";
import { createDatabasePing } from "#src/infrastructure/database-ping.ts";
import { createDrizzleUnitOfWork } from "#src/infrastructure/drizzle-unit-of-work.ts";
import type { DevelopmentMailer } from "#src/infrastructure/mailer.ts";
import { randomIds } from "#src/infrastructure/random-ids.ts";
import { createJobs, type Jobs } from "#src/jobs/application/create-jobs.ts";
import { type SqlExecutor, systemClock } from "#src/jobs/application/ports.ts";
import { unfailingLog } from "#src/jobs/application/unfailing-log.ts";
import { withTimeout } from "#src/jobs/infrastructure/common/with-timeout.ts";
import { sqlLedger } from "#src/jobs/infrastructure/sql/ledger.ts";
import type { Clock } from "#src/kernel/clock.ts";
import type { Logger } from "#src/kernel/logger.ts";
import type { Mailer } from "#src/kernel/mailer.ts";
import {
  createWorkspaceService,
  type WorkspaceService,
} from "#src/workspaces/application/workspace-service.ts";
import { workspacesFeature } from "#src/workspaces/feature.ts";
import {
  drizzleWorkspaceActivity,
  drizzleWorkspaceInvites,
  drizzleWorkspaces,
} from "#src/workspaces/infrastructure/drizzle-repositories.ts";

/** The assembled app. */
export interface Container {
  readonly config: AppConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly jobs: Jobs;
  readonly workspaces: WorkspaceService;
  /** `undefined` without a secret to verify deliveries with. */
  readonly billingWebhook: BillingWebhook | undefined;
  /** @throws AppError `billing.subscription_not_found` */
  findSubscription(id: string): Promise<Subscription>;
  /** `undefined` where mails are sent instead of kept. */
  readonly developmentMailer: DevelopmentMailer | undefined;
  /** Rejects when the database does not answer. */
  pingDatabase(): Promise<void>;
  /** Ends the database pool; stop the runtime first. */
  close(): Promise<void>;
}

const CLOSE_TIMEOUT_MS = 3_000;

const features: readonly AppFeature[] = [eventsFeature, workspacesFeature, billingFeature];

/** Parts that depend on where the app runs. */
export interface Platform {
  readonly log: Logger;
  readonly mailer: Mailer | DevelopmentMailer;
  readonly clock?: Clock;
  /** `Container.close` ends the pool. */
  readonly openPool?: (url: string, log: Logger) => Pool;
}

/** Assembles every feature and every adapter. Opens no connection. */
export function compose(
  config: AppConfig,
  { mailer, clock = systemClock, openPool = openPoolOfProcess, ...platform }: Platform,
): Container {
  const log = unfailingLog(platform.log);
  const pool = openPool(config.databaseUrl, log);
  const sql: SqlExecutor = { query: (text, values) => pool.query(text, [...values]) };

  const eventLogOf = createEventLogs({
    ids: randomIds,
    clock,
    log,
    projectorsOf: (type) => features.flatMap(({ projectors }) => projectors?.[type] ?? []),
  });
  const uow = createDrizzleUnitOfWork(
    pool,
    (db) => ({
      workspaces: drizzleWorkspaces(db),
      workspaceInvites: drizzleWorkspaceInvites(db),
      workspaceActivity: drizzleWorkspaceActivity(db),
      domainEvents: drizzleDomainEvents(db),
      billingEvents: drizzleBillingEvents(db),
      billingSubscriptions: drizzleSubscriptions(db),
    }),
    (executor, { domainEvents }) => {
      const own = jobs.in(executor);
      const events = eventLogOf({ domainEvents, jobs: own });
      return { jobs: own, processed: sqlLedger(executor), events };
    },
  );
  const coreWith = (queue: AppCore["queue"]): AppCore => ({
    uow,
    clock,
    ids: randomIds,
    mailer,
    log,
    queue,
  });
  const jobs: Jobs = createJobs({
    provider: config.jobs.provider,
    settings: config.jobs,
    sql,
    clock,
    log,
    core: ({ queue }) => coreWith(queue),
    jobs: (core) => features.flatMap((feature) => feature.jobs?.({ ...core, log }) ?? []),
  });
  const core = coreWith(jobs.queue);

  return {
    config,
    log,
    clock,
    jobs,
    workspaces: createWorkspaceService(core),
    billingWebhook: config.stripeWebhookSecret
      ? createBillingWebhook(core, stripeWebhookVerifier(config.stripeWebhookSecret, clock))
      : undefined,
    findSubscription: (id) => findSubscription(uow, id),
    developmentMailer: "sent" in mailer ? mailer : undefined,
    pingDatabase: createDatabasePing(pool),
    // A handler that ignored its signal may hold a connection for ever, so the wait is bounded.
    close: () => withTimeout(CLOSE_TIMEOUT_MS, pool.end(), () => undefined),
  };
}
