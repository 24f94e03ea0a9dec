import { sql } from "drizzle-orm";
import { DrizzleQueryError } from "drizzle-orm/errors";
import type { Pool } from "pg";
import type { EventLog } from "#src/kernel/events.ts";
import type { ReadTransaction, UnitOfWork } from "#src/kernel/unit-of-work.ts";
import type { TransactionJobs } from "#src/jobs/application/job-provider.ts";
import type { Ledger } from "#src/jobs/application/ledger.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import {
  isDatabaseUnavailable,
  isUnstorableText,
} from "#src/jobs/infrastructure/sql/postgres-errors.ts";
import { AppError } from "#src/kernel/errors.ts";
import { type Database, inTransaction } from "./database.ts";
import { transactionSql } from "./drizzle-sql.ts";

/** Creates the repositories of all features on one transaction. */
export type Repositories = (db: Database) => ReadTransaction;

/** The parts of a transaction that are not repositories. */
export interface TransactionParts {
  readonly jobs: TransactionJobs;
  readonly processed: Ledger;
  readonly events: EventLog;
}

export function createDrizzleUnitOfWork(
  pool: Pool,
  repositories: Repositories,
  parts: (sql: SqlExecutor, repositories: ReadTransaction) => TransactionParts,
): UnitOfWork {
  return {
    async run(work) {
      let jobs: TransactionJobs | undefined;
      const result = await inTransaction(pool, async (tx) => {
        const statements = transactionSql(tx);
        const stored = repositories(tx);
        const own = parts(statements.executor, stored);
        jobs = own.jobs;
        const end = async () => {
          own.jobs.ended();
          await statements.end();
        };
        const value = await settled(() => work({ ...stored, ...own }), end);
        await refuseAborted(tx);
        return value;
      }).catch(asAppError);
      await jobs?.committed();
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
 * Fails if a statement has aborted the transaction. Postgres answers COMMIT with a ROLLBACK then, without
 * an error, and the caller would believe that its writes are stored. Any other statement reports the abort.
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
      "The work caught the error of a statement that aborted its transaction, so everything was rolled " +
        "back. Let the error reject the work, or avoid it in SQL (on conflict …).",
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
  if (isUnstorableText(error)) {
    const message = "The text has a character that the database's encoding lacks.";
    const cause = error instanceof DrizzleQueryError ? error.cause : error;
    throw new AppError("request.invalid", 422, message, {}, { cause });
  }
  return withoutParameters(error);
}

/** Drizzle's error contains the statement's values, such as tokens and addresses. They must not be logged. */
function withoutParameters(error: unknown): never {
  if (!(error instanceof DrizzleQueryError)) throw error;
  throw new Error(`A query failed: ${error.query}`, { cause: error.cause });
}
