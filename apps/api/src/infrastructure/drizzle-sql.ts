import { type SQL, sql } from "drizzle-orm";
import { DrizzleQueryError } from "drizzle-orm/errors";
import type { SqlExecutor } from "#/jobs/application/ports.ts";
import type { Database } from "./database.ts";

/** Runs statements with `$1`, `$2` … through Drizzle, in its transaction if it is one. */
export function drizzleSql(db: Database): SqlExecutor {
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
