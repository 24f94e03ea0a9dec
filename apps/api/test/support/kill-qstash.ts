import { Pool } from "pg";
import { assembleParts } from "#src/jobs/application/create-jobs.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { qstash } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import { contractTransactions } from "./contract-transactions.ts";
import { openFront } from "./front.ts";
import { ledgerJob } from "./ledger-job.ts";
import { dispatcherOf, qstashOptions, sweepOutbox } from "./qstash-options.ts";
import { silentLog } from "./silent-log.ts";

/** The addresses that a process of the app needs. */
export interface QStashPlaces {
  readonly databaseUrl: string;
  readonly qstashUrl: string;
  readonly callbackUrl: string;
}

/** The parts of an app on QStash, with {@link ledgerJob} as its only job. */
export function qstashParts({ databaseUrl, qstashUrl, callbackUrl }: QStashPlaces) {
  const provider = qstash(
    qstashOptions(qstashUrl, { callbackUrl, namespace: "kill-points", concurrency: 2 }),
  );
  const pool = new Pool({ connectionString: databaseUrl });
  pool.on("error", () => undefined);
  const sql: SqlExecutor = { query: (text, values) => pool.query(text, [...values]) };
  const settings = { maxPayloadBytes: 1_000, shutdownGraceMs: 0 };
  const assemble = () =>
    assembleParts(provider, [ledgerJob(pool)], { sql, log: silentLog, settings }).parts;
  const { queue, in: jobsIn } = assemble();
  const ends: (() => Promise<void>)[] = [];
  return {
    queue,
    transaction: contractTransactions(pool, jobsIn),
    sweepOutbox: () => sweepOutbox(provider, { sql }),
    /**
     * Accepts deliveries and resolves with the URL. Syncs the schedules.
     *
     * @param sweeps starts a runtime, which also sweeps the outbox. A serverless instance does not.
     */
    async serve({ sweeps = false }: { readonly sweeps?: boolean } = {}): Promise<string> {
      const parts = assemble();
      const front = await openFront();
      front.add(dispatcherOf(parts));
      ends.push(() => parts.runtime.stop(), front.close);
      await (sweeps ? parts.runtime.start() : parts.syncSchedules?.());
      return front.url;
    },
    async close() {
      for (const end of ends) await end();
      await pool.end();
    },
  };
}
