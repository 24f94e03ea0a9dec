import type { ProjectorJob } from "#src/core.ts";
import { JobsNotConfiguredError } from "#src/jobs/application/job-errors.ts";
import type { BulkJobQueue } from "#src/jobs/application/job-queue.ts";
import type { Clock } from "#src/kernel/clock.ts";
import type { DomainEvent, EventLog, EventType } from "#src/kernel/events.ts";
import type { Ids } from "#src/kernel/ids.ts";
import type { Logger } from "#src/kernel/logger.ts";

export interface DomainEventRepository {
  /** @param projectors the jobs that have not applied the event yet */
  add(event: DomainEvent, projectors: readonly string[]): Promise<void>;
  findById(id: string): Promise<DomainEvent | undefined>;
  markProjected(id: string, projector: string): Promise<void>;
  /** Deletes at most `limit` events from before the cut-off that every projector has applied. */
  deleteProjectedBefore(cutoff: Date, limit: number): Promise<number>;
}

declare module "#src/kernel/unit-of-work.ts" {
  interface Transaction {
    readonly domainEvents: DomainEventRepository;
  }
}

interface EventPorts {
  readonly ids: Ids;
  readonly clock: Clock;
  readonly log: Logger;
  /** The projectors of a type, of all features. */
  readonly projectorsOf: (type: EventType) => readonly ProjectorJob[];
}

interface EventTransaction {
  readonly domainEvents: DomainEventRepository;
  readonly jobs: BulkJobQueue;
}

/** Makes the event log of each transaction. */
export function createEventLogs({
  ids,
  clock,
  log,
  projectorsOf,
}: EventPorts): (tx: EventTransaction) => EventLog {
  let hasWarned = false;

  /** The key makes a second request for the same projection harmless. */
  async function enqueueProjections(
    jobs: BulkJobQueue,
    { id: eventId, type }: DomainEvent,
    projectors: readonly ProjectorJob[],
  ): Promise<void> {
    try {
      for (const projector of projectors) {
        await jobs.enqueue(projector, { eventId }, { jobKey: eventId });
      }
    } catch (err) {
      if (!(err instanceof JobsNotConfiguredError)) throw err;
      if (!hasWarned) {
        log.warn({ err, type }, "domain events are stored but not projected: no job provider");
      }
      hasWarned = true;
    }
  }

  return ({ domainEvents, jobs }) => ({
    async record({ type, data }) {
      const event: DomainEvent = { id: ids.id(), type, data, occurredAt: clock.now() };
      const projectors = projectorsOf(type);
      await domainEvents.add(event, projectors);
      await enqueueProjections(jobs, event, projectors);
      return event;
    },
    findById: (id) => domainEvents.findById(id),
    markProjected: (id, projector) => domainEvents.markProjected(id, projector),
  });
}
