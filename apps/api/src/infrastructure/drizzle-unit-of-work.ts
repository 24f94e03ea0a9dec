import { DrizzleQueryError } from "drizzle-orm/errors";
import type { DomainEvent, EventPublisher } from "#/kernel/events.ts";
import type { ReadTransaction, UnitOfWork } from "#/kernel/unit-of-work.ts";
import { type Database, limitTransaction } from "./database.ts";

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
      const record = (event: DomainEvent) => void events.push(event);
      const result = await db
        .transaction(async (tx) => {
          await limitTransaction(tx);
          return work({ ...repositories(tx), events: { record } });
        })
        .catch(withoutParameters);
      await publisher.publish(events);
      return result;
    },
    read: (work) =>
      db
        .transaction(
          async (tx) => {
            await limitTransaction(tx);
            return work(repositories(tx));
          },
          { accessMode: "read only", isolationLevel: "repeatable read" },
        )
        .catch(withoutParameters),
  };
}

/** Drizzle's error has the statement's values in it, tokens and addresses too; it would be logged. */
function withoutParameters(error: unknown): never {
  if (!(error instanceof DrizzleQueryError)) throw error;
  throw new Error(`A query failed: ${error.query}`, { cause: error.cause });
}
