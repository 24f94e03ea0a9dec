import { keysAndLeases } from "./migrations/0001-keys-and-leases.ts";
import { priority } from "./migrations/0002-priority.ts";
import { keysTakenBack } from "./migrations/0003-keys-taken-back.ts";
import { deadJobs } from "./migrations/0004-dead-jobs.ts";

/**
 * Our additions to graphile-worker, applied once each, in order; never edit one that was released.
 * These files, `begun-runs.ts`, `known-schedules.ts`, `recovery.ts` and `worker-lease.ts` are all that
 * knows graphile-worker's private tables. The reasons are in docs/adr/0005.
 */
export const MIGRATIONS: readonly string[] = [keysAndLeases, priority, keysTakenBack, deadJobs];
