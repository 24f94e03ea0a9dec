import type { DeadJobs } from "./dead-jobs.ts";
import type { JobDefinition } from "./job-definition.ts";
import type { BulkJobQueue } from "./job-queue.ts";
import type { JobRegistry } from "./job-registry.ts";
import type { ObservableJobRuntime } from "./job-runtime.ts";
import type { JobClock, JobLogger, SqlExecutor, SqlPool } from "./ports.ts";
import type { ProviderSupport } from "./provider-features.ts";

/**
 * A complete provider. An adapter is one function that returns this value. The rest of the code reads its
 * properties and never compares its name.
 */
export interface JobProvider extends ProviderSupport {
  /** Jobs run only in a process that stays alive. Serverless entries refuse such a provider. */
  readonly needsProcess: boolean;
  /** Stop the runtime before the HTTP server: until then it still answers deliveries. */
  readonly stopBeforeHttp: boolean;
  /** Why `npm run worker` makes no sense with this provider, and what to run instead. */
  readonly noWorkerReason?: string | undefined;
  /** Why no job will run. `start()` logs it, even in a process that only serves, and `/health` shows it. */
  readonly warning?: string | undefined;
  /** The database that the runtime connects to by itself. Shown when `start()` fails, without its password. */
  readonly runtimeDatabaseUrl?: string | undefined;
  /** What the provider uses in the database, so that the start can check the rights of its role. */
  readonly usedObjects?: ProviderObjects | undefined;
  /** Brings the provider's tables up to date. Safe at every start, and in many processes at once. */
  migrate(pool: SqlPool): Promise<void>;
  /** Opens a pool of its own, for callers of {@link bind} that have none. */
  openDatabase?(): OwnedDatabase;
  /** The library's own jobs that keep this provider's tables small. They run beside the app's. */
  maintenance(ports: ProviderPorts): readonly JobDefinition[];
  /** Makes the provider's parts for one registry. Opens no connection. */
  bind(registry: JobRegistry, ports: ProviderPorts): ProviderParts;
}

/** Objects of the database that a provider uses. */
export interface ProviderObjects {
  /** Schemas whose tables are read and written, and whose functions are called. */
  readonly schemas: readonly string[];
  /** Tables of these schemas that are only read, like `orbit_jobs.schema_migrations`. */
  readonly readOnly: readonly string[];
}

/** A pool and the way to close it. */
export interface OwnedDatabase extends SqlExecutor {
  end(): Promise<void>;
}

/** Settings that mean the same on every provider. */
export interface JobSettings {
  readonly maxPayloadBytes: number;
  /** How long `stop()` lets running handlers finish, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly deadRetentionDays: number;
  /** Longer than any job can still be redelivered or replayed. */
  readonly ledgerRetentionDays: number;
}

/** What a provider gets from the app. */
export interface ProviderPorts {
  /** Runs statements on the app's database pool. */
  readonly sql: SqlExecutor;
  readonly clock: JobClock;
  readonly log: JobLogger;
  readonly settings: JobSettings;
}

/** One provider at work for one registry. */
export interface ProviderParts {
  readonly queue: BulkJobQueue;
  /** A queue inside a transaction, whose statements `sql` runs. */
  in(sql: SqlExecutor): TransactionJobs;
  readonly runtime: ObservableJobRuntime;
  readonly deadJobs: DeadJobs;
  /** Receives jobs that the provider delivers over HTTP. */
  readonly dispatcher?: JobDispatcher | undefined;
  /**
   * Makes the schedules that are kept outside the app equal to the registry's. `start()` does this, too.
   *
   * @throws JobsError `jobs.provider_unavailable`, `jobs.provider_rejected`
   */
  readonly syncSchedules?: (() => Promise<ScheduleChanges>) | undefined;
}

/** Schedule ids by what the sync did with them. */
export interface ScheduleChanges {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly deleted: readonly string[];
}

/**
 * The jobs of one transaction: they commit and roll back with it.
 *
 * The owner of the transaction calls `ended` when its work has settled and `committed` after the commit.
 * From `ended` on, `sql` must reject with a `TransactionEndedError`: another caller may have its connection.
 */
export interface TransactionJobs extends BulkJobQueue {
  /** Makes the queue refuse further jobs. */
  ended(): void;
  /** Publishes the jobs where the provider keeps them outside the database. Never rejects. */
  committed(): Promise<void>;
}

/** The receiving end of a provider that delivers jobs over HTTP. */
export interface JobDispatcher {
  /** Whether deliveries begin runs. `false` while the runtime stops. */
  readonly accepting: boolean;
  /**
   * Verifies the signature before it reads anything else, runs the job and says how to answer.
   *
   * @throws InvalidJobSignatureError, UnknownJobError
   */
  dispatch(delivery: IncomingDelivery): Promise<DeliveryResult>;
}

/** A request to the webhook. */
export interface IncomingDelivery {
  /** The job's name from the path, decoded. */
  readonly name: string;
  /** The query with its question mark, or "". */
  readonly search: string;
  /** Returns a header's value by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** The exact bytes. */
  readonly body: Uint8Array;
}

/** How to answer a delivery. */
export type DeliveryResult =
  /** The job is settled. */
  | { readonly status: "done" }
  /** The attempt failed: deliver again. */
  | { readonly status: "failed"; readonly retryAfterSeconds: number }
  /** The job is dead: never deliver again. */
  | { readonly status: "dead" }
  /** No run began, or the stopping instance cut it off: deliver again. */
  | { readonly status: "retry-later"; readonly retryAfterSeconds: number };

/** The values that every provider reads from the environment, checked. */
export interface ProviderSettings {
  readonly env: Environment;
  /** `JOBS_CONCURRENCY`; `undefined` where it is not set. */
  readonly concurrency: number | undefined;
  readonly databaseUrl: string | undefined;
  readonly workerDatabaseUrl: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Makes a provider from environment variables, or lists their problems without any value. */
export type ProviderFromEnv = (settings: ProviderSettings) => ProviderResult;

export type ProviderResult =
  | { readonly ok: true; readonly provider: JobProvider }
  | { readonly ok: false; readonly problems: readonly string[] };
