import type { DeadJobs } from "./dead-jobs.ts";
import type { JobDefinition } from "./job-definition.ts";
import { NoDatabaseError } from "./job-errors.ts";
import type {
  JobDispatcher,
  JobProvider,
  JobSettings,
  OwnedDatabase,
  ProviderParts,
  ProviderPorts,
  ScheduleChanges,
  TransactionJobs,
} from "./job-provider.ts";
import type { BulkJobQueue } from "./job-queue.ts";
import { buildJobs, checkSchedulePayloads, type JobRegistry } from "./job-registry.ts";
import type { ObservableJobRuntime } from "./job-runtime.ts";
import { type JobClock, type JobLogger, type SqlExecutor, systemClock } from "./ports.ts";
import { unfailingLog } from "./unfailing-log.ts";

export const DEFAULT_SETTINGS: JobSettings = {
  maxPayloadBytes: 1_048_576,
  shutdownGraceMs: 10_000,
  deadRetentionDays: 30,
  ledgerRetentionDays: 90,
};

/** A job of {@link CreateJobsOptions.jobs}: the result of `defineJob`. */
type UnboundJob = (core: OrbitJobs.Core) => JobDefinition;

export interface CreateJobsOptions {
  readonly provider: JobProvider;
  /** What handlers find on `ctx`. The function form gets the queue, for handlers that enqueue. */
  readonly core: OrbitJobs.Core | ((jobs: Pick<Jobs, "queue" | "in">) => OrbitJobs.Core);
  /** The results of `defineJob`, or a function from the core to definitions. */
  readonly jobs: readonly UnboundJob[] | ((core: OrbitJobs.Core) => readonly JobDefinition[]);
  /** Runs statements on the app's database pool. Default: a pool that the provider opens and closes. */
  readonly sql?: SqlExecutor | undefined;
  readonly clock?: JobClock | undefined;
  readonly log: JobLogger;
  readonly settings?: Partial<JobSettings> | undefined;
}

/** Background jobs, assembled: everything that an app needs from one provider. */
export interface Jobs {
  readonly provider: JobProvider;
  /** Every job of the app, and the library's own maintenance jobs. */
  readonly registry: JobRegistry;
  /** What handlers find on `ctx`. */
  readonly core: OrbitJobs.Core;
  readonly queue: BulkJobQueue;
  /** A queue inside a transaction, whose statements `sql` runs. See {@link TransactionJobs}. */
  in(sql: SqlExecutor): TransactionJobs;
  /** Starts and stops the execution of jobs in this process. */
  readonly runtime: ObservableJobRuntime;
  readonly deadJobs: DeadJobs;
  /** Receives jobs that the provider delivers over HTTP; `undefined` on the other providers. */
  readonly dispatcher: JobDispatcher | undefined;
  /** Updates schedules that the provider keeps outside the app; `undefined` on the other providers. */
  readonly syncSchedules: (() => Promise<ScheduleChanges>) | undefined;
}

/**
 * Assembles registry, queue, transactions, runtime, dead jobs, webhook and maintenance for one provider.
 * Opens no connection.
 *
 * @throws Error that lists every problem of the definitions, see `buildJobs`
 */
export function createJobs(options: CreateJobsOptions): Jobs {
  // Handlers may enqueue, but the queue needs the registry of these handlers, so it is bound last.
  const late: { parts?: ProviderParts } = {};
  const bound = () => {
    if (late.parts) return late.parts;
    throw new Error("Enqueue jobs after createJobs() has returned, not inside of it.");
  };
  const queue: BulkJobQueue = {
    enqueue: async (name, payload, enqueueOptions) =>
      bound().queue.enqueue(name, payload, enqueueOptions),
    add: async (name, payload, enqueueOptions) => bound().queue.add(name, payload, enqueueOptions),
    enqueueMany: async (requests) => bound().queue.enqueueMany(requests),
  };
  const transaction = (sql: SqlExecutor) => bound().in(sql);
  const core =
    typeof options.core === "function" ? options.core({ queue, in: transaction }) : options.core;
  const { jobs } = options;
  const definitions =
    typeof jobs === "function" ? jobs(core) : jobs.map((bindToCore) => bindToCore(core));
  const { registry, parts } = assembleParts(options.provider, definitions, options);
  late.parts = parts;
  return {
    provider: options.provider,
    registry,
    core,
    queue,
    in: transaction,
    runtime: parts.runtime,
    deadJobs: parts.deadJobs,
    dispatcher: parts.dispatcher,
    syncSchedules: parts.syncSchedules,
  };
}

/** Binds a provider to the app's definitions and to the provider's own maintenance jobs. */
export function assembleParts(
  provider: JobProvider,
  definitions: readonly JobDefinition[],
  {
    sql,
    clock = systemClock,
    log,
    settings,
  }: Pick<CreateJobsOptions, "sql" | "clock" | "log" | "settings">,
): { readonly registry: JobRegistry; readonly parts: ProviderParts } {
  const own = sql ? undefined : provider.openDatabase?.();
  const ports: ProviderPorts = {
    sql: sql ?? own ?? noDatabase(provider),
    clock,
    log: unfailingLog(log),
    settings: { ...DEFAULT_SETTINGS, ...settings },
  };
  const registry = buildJobs([...definitions, ...provider.maintenance(ports)], provider);
  const bound = provider.bind(registry, ports);
  const check = () => checkSchedulePayloads(registry);
  const runtime = checkBeforeStart(bound.runtime, check);
  const { syncSchedules } = bound;
  const parts = {
    ...bound,
    runtime: own ? closeAfterStop(runtime, own) : runtime,
    // Serverless deployments call this instead of start().
    syncSchedules: syncSchedules && (() => check().then(syncSchedules)),
  };
  return { registry, parts };
}

/** Makes every start wait for `check` first. */
function checkBeforeStart(
  runtime: ObservableJobRuntime,
  check: () => Promise<void>,
): ObservableJobRuntime {
  let stops = 0;
  return {
    provider: runtime.provider,
    get connected() {
      return runtime.connected;
    },
    async start() {
      const earlierStops = stops;
      await check();
      // A stop during the check cancels this start.
      if (stops === earlierStops) await runtime.start();
    },
    stop() {
      stops += 1;
      return runtime.stop();
    },
  };
}

/** Closes the provider's own pool when the runtime has stopped. The pool opens again when it is used. */
export function closeAfterStop(
  runtime: ObservableJobRuntime,
  database: OwnedDatabase,
): ObservableJobRuntime {
  return {
    provider: runtime.provider,
    get connected() {
      return runtime.connected;
    },
    start: () => runtime.start(),
    async stop() {
      await runtime.stop();
      await database.end();
    },
  };
}

function noDatabase({ name }: JobProvider): SqlExecutor {
  return { query: () => Promise.reject(new NoDatabaseError(name)) };
}
