import { DrizzleQueryError } from "drizzle-orm/errors";
import type { DomainEvent, EventPublisher } from "#/kernel/events.ts";
import type { ReadTransaction, Transaction, UnitOfWork } from "#/kernel/unit-of-work.ts";
import type { SqlExecutor } from "#/jobs/application/ports.ts";
import { AppError } from "#/kernel/errors.ts";
import { isDatabaseUnavailable } from "./database-unavailable.ts";
import { type Database, limitTransaction } from "./database.ts";
import { drizzleSql } from "./drizzle-sql.ts";

/** Makes every feature's repositories on one transaction. */
export type Repositories = (db: Database) => ReadTransaction;

/** What a transaction of the app has beside its repositories. `sql` runs statements in it. */
export interface TransactionParts extends Omit<Transaction, "events" | keyof ReadTransaction> {
  /** Called once it has committed. Never rejects. */
  readonly committed: () => Promise<void>;
}

export function createDrizzleUnitOfWork(
  db: Database,
  repositories: Repositories,
  parts: (sql: SqlExecutor) => TransactionParts,
  publisher: EventPublisher,
): UnitOfWork {
  return {
    async run(work) {
      const events: DomainEvent[] = [];
      const record = (event: DomainEvent) => void events.push(event);
      let committed: TransactionParts["committed"] | undefined;
      const result = await db
        .transaction(async (tx) => {
          await limitTransaction(tx);
          const { committed: after, ...own } = parts(drizzleSql(tx));
          committed = after;
          return work({ ...repositories(tx), ...own, events: { record } });
        })
        .catch(asAppError);
      await committed?.();
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
        .catch(asAppError),
  };
}

function asAppError(error: unknown): never {
  if (isDatabaseUnavailable(error)) {
    const message = "The database does not answer at the moment.";
    throw new AppError(
      "database.unavailable",
      503,
      message,
      {},
      {
        cause: error instanceof DrizzleQueryError ? error.cause : error,
        retryAfterSeconds: 5,
      },
    );
  }
  return withoutParameters(error);
}

/** Drizzle's error has the statement's values in it, tokens and addresses too; it would be logged. */
function withoutParameters(error: unknown): never {
  if (!(error instanceof DrizzleQueryError)) throw error;
  throw new Error(`A query failed: ${error.query}`, { cause: error.cause });
}
