import { type SQL, sql } from "drizzle-orm";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { TransactionEndedError } from "#src/jobs/application/job-errors.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { createEncodingCheck, storableForm } from "#src/jobs/infrastructure/sql/text-encoding.ts";
import type { Database } from "./database.ts";

/** Runs statements with `$1`, `$2` … through Drizzle, inside its transaction if it has one. */
function drizzleSql(db: Database): SqlExecutor {
  return {
    async query(text, values) {
      try {
        return { rows: rowsOf(await db.execute(bound(text, values))) };
      } catch (error) {
        // Drizzle's own error contains the values, which may be secret.
        throw error instanceof DrizzleQueryError ? error.cause : error;
      }
    },
  };
}

/** Runs the statements of one transaction. */
export interface TransactionSql {
  readonly executor: SqlExecutor;
  /** Refuses further statements. Resolves when those already sent have finished. */
  end(): Promise<void>;
}

/**
 * Accepts statements only until the work of the transaction ends. After that its connection is back in
 * the pool, and a statement would run outside any transaction or inside another one.
 */
export function transactionSql(tx: Database): TransactionSql {
  const { query } = drizzleSql(tx);
  const pending = new Set<Promise<unknown>>();
  let hasEnded = false;
  return {
    executor: {
      async query(text, values) {
        if (hasEnded) throw new TransactionEndedError();
        const result = query(text, values);
        pending.add(result);
        return result.finally(() => pending.delete(result));
      },
    },
    async end() {
      hasEnded = true;
      await Promise.allSettled(pending);
    },
  };
}

/** Drizzle's Postgres drivers return either rows or an object with `rows`. */
function rowsOf(result: unknown): unknown[] {
  if (Array.isArray(result)) return result;
  const hasRows = typeof result === "object" && result !== null && "rows" in result;
  if (hasRows && Array.isArray(result.rows)) return result.rows;
  throw new Error("the database driver returned no rows");
}

function bound(text: string, values: readonly unknown[]): SQL {
  const chunks = text
    .split(/\$(\d+)/)
    .map((part, index) =>
      index % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1])}`,
    );
  return sql.join(chunks);
}

/** The JSON text in a form that the database can store: the same value, if need be in ASCII. */
export async function storableJson(db: Database, json: string): Promise<string> {
  const form = await storableForm(drizzleSql(db), createEncodingCheck(), [json]);
  return form(json);
}
