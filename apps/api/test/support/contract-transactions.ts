import type { Pool } from "pg";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import type { BindTransactionJobs } from "#src/jobs/application/transactional-jobs.ts";
import { buildLedger } from "#src/jobs/feature.ts";
import type { ContractTransaction } from "#src/jobs/testing/contract-harness.ts";

/** Transactions of an app on this pool, whose jobs `bind` takes part in. */
export function contractTransactions(pool: Pool, bind: BindTransactionJobs) {
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
        jobs: jobs.queue,
        processed: buildLedger(sql),
        async addEffect(effect) {
          await client.query("insert into contract_effects (effect) values ($1)", [effect]);
        },
        async effects() {
          const { rows } = await client.query<{ effect: string }>(
            "select effect from contract_effects order by id",
          );
          return rows.map(({ effect }) => effect);
        },
      });
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
