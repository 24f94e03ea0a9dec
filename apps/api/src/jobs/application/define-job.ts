import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JobContext, JobDefinition, JobSchedule } from "./job-definition.ts";
import type { JobName, JobPayload, NonJsonPath } from "./job-types.ts";
import type { JobLogger } from "./ports.ts";
import type { ProviderOptions } from "./provider-features.ts";
import { DEFAULT_BACKFILL_MS, DEFAULT_MAX_ATTEMPTS, DEFAULT_TIMEOUT_MS } from "./job-limits.ts";

interface ScheduleTimes {
  /** Five fields: minute, hour, day of month, month, day of week. Or a macro such as `@daily`. */
  readonly cron: string;
  /** IANA name, e.g. `Europe/Berlin`. Default: UTC. */
  readonly timezone?: string;
  /**
   * The greatest age of a missed tick that is still made up, in milliseconds.
   * Default: 5 minutes. 0 makes up none.
   */
  readonly backfill?: number;
}

/** The schedule of a job whose payload type has required fields: it must give the payload. */
export interface ScheduleWithPayload<N extends JobName> extends ScheduleTimes {
  readonly payload: JobPayload<N>;
}

interface ScheduleWithOptionalPayload<N extends JobName> extends ScheduleTimes {
  /** Default: `{}`. */
  readonly payload?: JobPayload<N>;
}

/** The compile error for a bare cron string. */
type BareCronHint<N extends JobName> =
  `job ${N} needs a payload: write schedule: { cron, payload } instead of a bare cron string`;

/** A bare cron string is allowed where `{}` is a valid payload. */
// oxlint-disable-next-line typescript/no-empty-object-type -- asks whether {} is assignable
type ScheduleOf<N extends JobName> =
  {} extends JobPayload<N>
    ? string | ScheduleWithOptionalPayload<N>
    : ScheduleWithPayload<N> | BareCronHint<N>;

/** How a feature declares a job. */
export interface JobSpec<N extends JobName> {
  readonly name: N;
  readonly handler: (payload: JobPayload<N>, ctx: JobContext) => Promise<void>;
  readonly schedule?: ScheduleOf<N>;
  /** How many runs before the job is dead: 1 to 32,767. Default: 10. */
  readonly maxAttempts?: number;
  /** How long one run may take, in milliseconds. Default: 15 minutes; at most 3.5 hours. */
  readonly timeout?: number;
  /** Any Standard Schema (zod, valibot, arktype …). Checked at enqueue and again before each run. */
  readonly schema?: StandardSchemaV1<unknown, JobPayload<N>>;
  /**
   * The version of the payload's shape. Raise it with each change that waiting jobs do not fit. A worker
   * leaves jobs of a later version to newer code. Default: 1.
   */
  readonly version?: number;
  /**
   * Converts a payload of an earlier version to today's shape, before `schema` and handler see it.
   * Required from version 2 on. If it throws, the job is dead.
   */
  readonly upgrade?: (
    payload: unknown,
    fromVersion: number,
  ) => JobPayload<N> | Promise<JobPayload<N>>;
  /** Options of some providers. `buildJobs` refuses them where the chosen provider lacks them. */
  readonly providerOptions?: ProviderOptions;
}

/** Turns a payload type that JSON cannot carry into a compile error that names the field. */
type CarriedByJson<N extends JobName> = [NonJsonPath<JobPayload<N>>] extends [never]
  ? unknown
  : {
      readonly [Problem in `job ${N}: JSON cannot carry ${NonJsonPath<JobPayload<N>>}`]: never;
    };

/**
 * Declares how a job of `OrbitJobs.Jobs` is done. Call the result with the app's core, usually in the
 * feature's `jobs(core)`. `buildJobs` checks the definition that it returns.
 */
export function defineJob<const N extends JobName>(
  spec: JobSpec<N> & CarriedByJson<N>,
): (core: OrbitJobs.Core) => JobDefinition<N> {
  const { name, handler, maxAttempts, timeout, schema, version, upgrade, providerOptions } = spec;
  return (core) => ({
    name,
    feature: undefined,
    maxAttempts: maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    timeout: timeout ?? DEFAULT_TIMEOUT_MS,
    schedule: scheduleOf(spec.schedule),
    schema,
    version: version ?? 1,
    upgrade,
    // In an app that declared a provider without priorities the compiler sees no number here.
    priority: typeof providerOptions?.priority === "number" ? providerOptions.priority : undefined,
    // `enqueue` checked the payload's type for this name, and the schema agreed if there is one.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    run: (payload, facts) => handler(payload as JobPayload<N>, { ...core, ...facts }),
  });
}

/** Declares a job of the library itself. It runs without the app's core. */
export function defineMaintenanceJob(spec: {
  readonly name: JobName;
  readonly cron: string;
  readonly maxAttempts?: number;
  readonly run: (log: JobLogger) => Promise<void>;
}): JobDefinition {
  return {
    name: spec.name,
    feature: "jobs",
    maxAttempts: spec.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    timeout: DEFAULT_TIMEOUT_MS,
    schedule: scheduleOf(spec.cron),
    schema: undefined,
    version: 1,
    upgrade: undefined,
    priority: undefined,
    run: (_payload, { log }) => spec.run(log),
  };
}

function scheduleOf(
  schedule: string | (ScheduleTimes & { readonly payload?: unknown }) | undefined,
): JobSchedule | undefined {
  if (schedule === undefined) return undefined;
  const { cron, timezone, payload, backfill }: ScheduleTimes & { readonly payload?: unknown } =
    typeof schedule === "string" ? { cron: schedule } : schedule;
  return {
    cron,
    timezone: timezone ?? "UTC",
    payload: payload ?? {},
    backfill: backfill ?? DEFAULT_BACKFILL_MS,
  };
}
