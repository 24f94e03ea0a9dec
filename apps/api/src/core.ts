import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { Ledger } from "#src/jobs/application/ledger.ts";
import type { JobQueue } from "#src/jobs/application/job-queue.ts";
import type { Clock } from "#src/kernel/clock.ts";
import type { Feature } from "#src/kernel/feature.ts";
import type { Ids } from "#src/kernel/ids.ts";
import type { Logger } from "#src/kernel/logger.ts";
import type { Mailer } from "#src/kernel/mailer.ts";
import type { UnitOfWork } from "#src/kernel/unit-of-work.ts";

declare global {
  namespace OrbitJobs {
    /** What every handler of this app finds on `ctx`, and every feature in its `core`. */
    interface Core {
      readonly uow: UnitOfWork;
      readonly clock: Clock;
      readonly ids: Ids;
      readonly mailer: Mailer;
      readonly queue: JobQueue;
    }
  }
}

declare module "#src/kernel/unit-of-work.ts" {
  interface Transaction {
    /** What is enqueued here commits and rolls back with the transaction. */
    readonly jobs: JobQueue;
    /** Whether an event was processed before. */
    readonly processed: Ledger;
  }
}

export interface AppCore extends OrbitJobs.Core {
  readonly log: Logger;
}

export type AppFeature = Feature<AppCore, JobDefinition>;
