import type { DomainEvent, EventPublisher } from "#/kernel/events.ts";
import type { ReadTransaction, UnitOfWork } from "#/kernel/unit-of-work.ts";
import type { Database } from "./database.ts";

/** Makes every feature's repositories on one transaction. */
export type Repositories = (db: Database) => ReadTransaction;

export function createDrizzleUnitOfWork(
  db: Database,
  repositories: Repositories,
  publisher: EventPublisher,
): UnitOfWork {
  return {
    async run(work) {
      const events: DomainEvent[] = [];
      const result = await db.transaction((tx) =>
        work({ ...repositories(tx), events: { record: (event) => void events.push(event) } }),
      );
      await publisher.publish(events);
      return result;
    },
    read: (work) =>
      db.transaction((tx) => work(repositories(tx)), {
        accessMode: "read only",
        isolationLevel: "repeatable read",
      }),
  };
}
