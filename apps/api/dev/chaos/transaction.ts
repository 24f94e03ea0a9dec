import type { Pool } from "pg";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";

/** Runs `work` in a transaction. Closes the connection if the transaction fails. */
export async function inTransaction<T>(
  pool: Pool,
  work: (sql: SqlExecutor) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let isDone = false;
  try {
    await client.query("begin");
    const result = await work({ query: (text, values) => client.query(text, [...values]) });
    await client.query("commit");
    isDone = true;
    return result;
  } finally {
    client.release(!isDone);
  }
}
