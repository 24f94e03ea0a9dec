import type { Pool } from "pg";
import type { TransactionJobs } from "#src/jobs/application/job-provider.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { sqlLedger } from "#src/jobs/infrastructure/sql/ledger.ts";
import type { ContractTransaction } from "#src/jobs/testing/contract-harness.ts";

/** Runs transactions of an app on this pool. `bind` makes the jobs of each one, see `ProviderParts.in`. */
export function contractTransactions(pool: Pool, bind: (sql: SqlExecutor) => TransactionJobs) {
  let ready: Promise<unknown> | undefined;
  return async <T>(work: (tx: ContractTransaction) => Promise<T>): Promise<T> => {
    ready ??= pool.query(
      "create table if not exists contract_effects (id bigint generated always as identity, effect text)",
    );
    await ready;
    const client = await pool.connect();
    const sql: SqlExecutor = { query: (text, values) => client.query(text, [...values]) };
    const jobs = bind(sql);
    try {
      await client.query("begin");
      const result = await work({
        jobs,
        processed: sqlLedger(sql),
        async addEffect(effect) {
          await client.query("insert into contract_effects (effect) values ($1)", [effect]);
        },
        async effects() {
          const { rows } = await client.query<{ effect: string }>(
            "select effect from contract_effects order by id",
          );
          return rows.map(({ effect }) => effect);
        },
      }).finally(() => jobs.ended());
      await client.query("commit");
      await jobs.committed();
      return result;
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      client.release();
    }
  };
}
