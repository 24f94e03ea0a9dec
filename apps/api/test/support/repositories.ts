import {
  drizzleBillingEvents,
  drizzleSubscriptions,
} from "#src/billing/infrastructure/drizzle-repositories.ts";
import { createEventLogs } from "#src/events/application/event-log.ts";
import { drizzleDomainEvents } from "#src/events/infrastructure/drizzle-domain-events.ts";
import type { Repositories } from "#src/infrastructure/drizzle-unit-of-work.ts";
import { randomIds } from "#src/infrastructure/random-ids.ts";
import { systemClock } from "#src/jobs/application/ports.ts";
import {
  drizzleWorkspaceActivity,
  drizzleWorkspaceInvites,
  drizzleWorkspaces,
} from "#src/workspaces/infrastructure/drizzle-repositories.ts";
import { silentLog } from "./silent-log.ts";

/** The repositories of all features, as in the app. */
export const allRepositories: Repositories = (db) => ({
  workspaces: drizzleWorkspaces(db),
  workspaceInvites: drizzleWorkspaceInvites(db),
  workspaceActivity: drizzleWorkspaceActivity(db),
  billingEvents: drizzleBillingEvents(db),
  billingSubscriptions: drizzleSubscriptions(db),
  domainEvents: drizzleDomainEvents(db),
});

/** Event logs of an app without projectors. */
export const unprojectedEvents = createEventLogs({
  ids: randomIds,
  clock: systemClock,
  log: silentLog,
  projectorsOf: () => [],
});
