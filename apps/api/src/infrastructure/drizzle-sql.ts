import { type SQL, sql } from "drizzle-orm";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { TransactionEndedError } from "#src/jobs/application/job-errors.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import type { Database } from "./database.ts";

/** Runs statements with `$1`, `$2` … through Drizzle, in its transaction if it is one. */
function drizzleSql(db: Database): SqlExecutor {
  return {
    async query(text, values) {
      try {
        return { rows: rowsOf(await db.execute(bound(text, values))) };
      } catch (error) {
        // Drizzle's own error has the values in it.
        throw error instanceof DrizzleQueryError ? error.cause : error;
      }
    },
  };
}

/** The statements of one transaction. */
export interface TransactionSql {
  readonly executor: SqlExecutor;
  /** From now on statements are refused; resolves when those that were sent are over. */
  end(): Promise<void>;
}

/**
 * The same for as long as the transaction's work is under way. A statement that comes later would run
 * on a connection that is in the pool again: outside of the transaction, or in somebody else's.
 */
export function transactionSql(tx: Database): TransactionSql {
  const { query } = drizzleSql(tx);
  const underWay = new Set<Promise<unknown>>();
  let hasEnded = false;
  return {
    executor: {
      async query(text, values) {
        if (hasEnded) throw new TransactionEndedError();
        const result = query(text, values);
        underWay.add(result);
        return result.finally(() => underWay.delete(result));
      },
    },
    async end() {
      hasEnded = true;
      await Promise.allSettled(underWay);
    },
  };
}

/** Every driver of Postgres that Drizzle knows gives rows, or an object with them. */
function rowsOf(result: unknown): unknown[] {
  if (Array.isArray(result)) return result;
  const hasRows = typeof result === "object" && result !== null && "rows" in result;
  if (hasRows && Array.isArray(result.rows)) return result.rows;
  throw new Error("the database's driver gave no rows");
}

function bound(text: string, values: readonly unknown[]): SQL {
  const chunks = text
    .split(/\$(\d+)/)
    .map((part, index) =>
      index % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1])}`,
    );
  return sql.join(chunks);
}
