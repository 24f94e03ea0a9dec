import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { Ledger } from "#src/jobs/application/ledger.ts";
import type { BulkJobQueue } from "#src/jobs/application/job-queue.ts";
import type { JobName, JobPayload } from "#src/jobs/application/job-types.ts";
import type { Clock } from "#src/kernel/clock.ts";
import type { Feature } from "#src/kernel/feature.ts";
import type { Ids } from "#src/kernel/ids.ts";
import type { Logger } from "#src/kernel/logger.ts";
import type { Mailer } from "#src/kernel/mailer.ts";
import type { UnitOfWork } from "#src/kernel/unit-of-work.ts";

declare global {
  namespace OrbitJobs {
    /** The members of every handler's `ctx` and every feature's `core` in this app. */
    interface Core {
      readonly uow: UnitOfWork;
      readonly clock: Clock;
      readonly ids: Ids;
      readonly mailer: Mailer;
      readonly queue: BulkJobQueue;
    }
  }
}

declare module "#src/kernel/unit-of-work.ts" {
  interface Transaction {
    /** Jobs enqueued here commit and roll back with the transaction. */
    readonly jobs: BulkJobQueue;
    /** Records processed events. */
    readonly processed: Ledger;
  }
}

export interface AppCore extends OrbitJobs.Core {
  readonly log: Logger;
}

/** The name of a job that projects events: its payload is the event's id. */
export type ProjectorJob = {
  [N in JobName]: JobPayload<N> extends { eventId: string } ? N : never;
}[JobName];

export type AppFeature = Feature<AppCore, JobDefinition, ProjectorJob>;
