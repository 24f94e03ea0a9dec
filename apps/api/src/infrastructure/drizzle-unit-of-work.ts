import { sql } from "drizzle-orm";
import { DrizzleQueryError } from "drizzle-orm/errors";
import type { Pool } from "pg";
import type { DomainEvent, EventPublisher } from "#src/kernel/events.ts";
import type { ReadTransaction, Transaction, UnitOfWork } from "#src/kernel/unit-of-work.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { AppError } from "#src/kernel/errors.ts";
import { isDatabaseUnavailable } from "./database-unavailable.ts";
import { type Database, inTransaction } from "./database.ts";
import { transactionSql } from "./drizzle-sql.ts";

/** Makes every feature's repositories on one transaction. */
export type Repositories = (db: Database) => ReadTransaction;

/** What a transaction of the app has beside its repositories. `sql` runs statements in it. */
export interface TransactionParts extends Omit<Transaction, "events" | keyof ReadTransaction> {
  /** Called when the work has settled: what is enqueued from now on is to be refused. */
  readonly ended?: (() => void) | undefined;
  /** Called once it has committed. Never rejects. */
  readonly committed: () => Promise<void>;
}

export function createDrizzleUnitOfWork(
  pool: Pool,
  repositories: Repositories,
  parts: (sql: SqlExecutor) => TransactionParts,
  publisher: EventPublisher,
): UnitOfWork {
  return {
    async run(work) {
      const events: DomainEvent[] = [];
      const record = (event: DomainEvent) => void events.push(event);
      let committed: TransactionParts["committed"] | undefined;
      const result = await inTransaction(pool, async (tx) => {
        const statements = transactionSql(tx);
        const { committed: after, ended, ...own } = parts(statements.executor);
        committed = after;
        const end = async () => {
          ended?.();
          await statements.end();
        };
        const value = await settled(
          () => work({ ...repositories(tx), ...own, events: { record } }),
          end,
        );
        await refuseAborted(tx);
        return value;
      }).catch(asAppError);
      await committed?.();
      await publisher.publish(events);
      return result;
    },
    read: (work) =>
      inTransaction(pool, (tx) => work(repositories(tx)), {
        accessMode: "read only",
        isolationLevel: "repeatable read",
      }).catch(asAppError),
  };
}

/** Calls `after` however `work` ends. */
async function settled<T>(work: () => Promise<T>, after: () => Promise<void>): Promise<T> {
  try {
    return await work();
  } finally {
    await after();
  }
}

const IN_FAILED_TRANSACTION = "25P02";

/**
 * Postgres answers the COMMIT of a transaction that a statement has aborted with a ROLLBACK, and with
 * no error: the caller would take for stored what is not. Any other statement is an error there.
 */
async function refuseAborted(tx: Database): Promise<void> {
  try {
    await tx.execute(sql`select 1`);
  } catch (error) {
    const cause = error instanceof DrizzleQueryError ? error.cause : error;
    const isAborted =
      cause instanceof Error && "code" in cause && cause.code === IN_FAILED_TRANSACTION;
    if (!isAborted) throw error;
    throw new Error(
      "The work caught the error of a statement, which had aborted its transaction: all of it was " +
        "rolled back. Let the error reject the work, or write so that none comes (on conflict …).",
      { cause: error },
    );
  }
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
