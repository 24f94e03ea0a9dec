import { DEV_CREDENTIALS } from "@orbit/qstash-dev";
import { Pool } from "pg";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import type { JobClock, SqlExecutor } from "#src/jobs/application/ports.ts";
import {
  buildJobDispatcher,
  buildJobQueue,
  buildJobRuntime,
  buildMaintenanceJobs,
  buildOutboxRelay,
  buildTransactionJobs,
  type JobsConfig,
} from "#src/jobs/feature.ts";
import { contractTransactions } from "./contract-transactions.ts";
import { openFront } from "./front.ts";
import { ledgerJob } from "./ledger-job.ts";
import { silentLog } from "./silent-log.ts";

/** Where a process of the app finds everything. */
export interface QStashPlaces {
  readonly databaseUrl: string;
  readonly qstashUrl: string;
  readonly callbackUrl: string;
}

/** All that a process of an app on QStash has, with {@link ledgerJob} as its job. */
export function qstashParts({ databaseUrl, qstashUrl, callbackUrl }: QStashPlaces) {
  const config: JobsConfig & { provider: "qstash" } = {
    provider: "qstash",
    url: qstashUrl,
    token: DEV_CREDENTIALS.token,
    currentSigningKey: DEV_CREDENTIALS.currentSigningKey,
    nextSigningKey: DEV_CREDENTIALS.nextSigningKey,
    callbackUrl,
    namespace: "kill-points",
    concurrency: 2,
    maxPayloadBytes: 1_000,
    shutdownGraceMs: 0,
    deadRetentionDays: 30,
    ledgerRetentionDays: 90,
  };
  const pool = new Pool({ connectionString: databaseUrl });
  pool.on("error", () => undefined);
  const sql: SqlExecutor = { query: (text, values) => pool.query(text, [...values]) };
  const clock: JobClock = { now: () => new Date() };
  const log = silentLog;
  const relay = buildOutboxRelay(config, { sql, clock, log });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these jobs use nothing of the core
  const core = {} as OrbitJobs.Core;
  const registry = buildJobs([
    ledgerJob(pool),
    ...buildMaintenanceJobs(config, core, { sql, relay }),
  ]);
  const ends: (() => Promise<void>)[] = [];
  return {
    relay,
    queue: buildJobQueue(config, registry, { sql, clock }),
    transaction: contractTransactions(pool, buildTransactionJobs(config, registry, { relay, log })),
    /** Resolves with the URL where it takes deliveries. Its schedules are QStash's from then on. */
    async serve({ sweeps = false }: { readonly sweeps?: boolean } = {}): Promise<string> {
      const dispatcher = buildJobDispatcher(config, registry, { sql, clock, log });
      if (!dispatcher) throw new Error("qstash has a dispatcher");
      const front = await openFront();
      front.add(dispatcher);
      const runtime = buildJobRuntime(config, registry, {
        log,
        dispatcher,
        ...(sweeps && { relay }),
      });
      ends.push(() => runtime.stop(), front.close);
      await runtime.start();
      return front.url;
    },
    async close() {
      for (const end of ends) await end();
      await pool.end();
    },
  };
}
