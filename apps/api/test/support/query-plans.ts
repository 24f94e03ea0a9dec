import type { Pool } from "pg";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { z } from "zod";

const planRows = z.array(z.object({ "QUERY PLAN": z.string() }));

export interface PlannedSql extends SqlExecutor {
  /** Postgres' plans, one text for each statement. */
  readonly plans: readonly string[];
}

/** Asks Postgres for the plan of each statement before it is run. */
export function withPlans(pool: Pool): PlannedSql {
  const plans: string[] = [];
  return {
    plans,
    async query(text, values) {
      const explained = await pool.query(`explain ${text}`, [...values]);
      plans.push(
        planRows
          .parse(explained.rows)
          .map((row) => row["QUERY PLAN"])
          .join("\n"),
      );
      return pool.query(text, [...values]);
    },
  };
}
