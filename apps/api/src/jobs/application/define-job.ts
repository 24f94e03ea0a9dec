import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JobContext, JobDefinition, JobSchedule } from "./job-definition.ts";
import type { JobName, JobPayload } from "./job-types.ts";
import type { ProviderOptions } from "./provider-options.ts";
import type { NonJsonPath } from "./json.ts";
import { DEFAULT_BACKFILL_MS, DEFAULT_MAX_ATTEMPTS, DEFAULT_TIMEOUT_MS } from "./retry-policy.ts";

interface ScheduleTimes {
  /** Five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** IANA name, e.g. `Europe/Berlin`. Default: UTC. */
  readonly timezone?: string;
  /**
   * How far back ticks are made up that were missed while nothing ran, in milliseconds.
   * Default: 5 minutes; 0 makes up none.
   */
  readonly backfill?: number;
}

/** The schedule of a job whose payload type has required fields: it brings the payload. */
export interface ScheduleWithPayload<N extends JobName> extends ScheduleTimes {
  readonly payload: JobPayload<N>;
}

interface ScheduleWithOptionalPayload<N extends JobName> extends ScheduleTimes {
  /** Default: `{}`. */
  readonly payload?: JobPayload<N>;
}

/** A bare cron string will do only where `{}` is a payload. */
// oxlint-disable-next-line typescript/no-empty-object-type -- asks whether {} is assignable
type ScheduleOf<N extends JobName> =
  {} extends JobPayload<N> ? string | ScheduleWithOptionalPayload<N> : ScheduleWithPayload<N>;

/** What a feature says of a job. */
export interface JobSpec<N extends JobName> {
  readonly name: N;
  readonly handler: (payload: JobPayload<N>, ctx: JobContext) => Promise<void>;
  readonly schedule?: ScheduleOf<N>;
  /** How many runs before the job is dead: 1 to 32,767. Default: 10. */
  readonly maxAttempts?: number;
  /** How long one run may take, in milliseconds. Default: 15 minutes; at most 3.5 hours. */
  readonly timeout?: number;
  /** Any Standard Schema (zod, valibot, arktype …): checked at enqueue and again before each run. */
  readonly schema?: StandardSchemaV1<unknown, JobPayload<N>>;
  /**
   * Which shape the payload has by now: 1, and one more with each change that jobs which wait already
   * do not fit. A worker leaves jobs of a later version to newer code. Default: 1.
   */
  readonly version?: number;
  /**
   * Brings a payload of an earlier version to today's shape, before `schema` and handler see it.
   * Required from version 2 on. A throw makes the job dead.
   */
  readonly upgrade?: (
    payload: unknown,
    fromVersion: number,
  ) => JobPayload<N> | Promise<JobPayload<N>>;
  /** What only some providers can do: `buildJobs` refuses it where the chosen one cannot. */
  readonly providerOptions?: ProviderOptions;
}

/** Demands the impossible, in words, of a job whose payload JSON cannot carry. */
type CarriedByJson<N extends JobName> = [NonJsonPath<JobPayload<N>>] extends [never]
  ? unknown
  : {
      readonly [Problem in `job ${N}: JSON cannot carry ${NonJsonPath<JobPayload<N>>}`]: never;
    };

/**
 * Declares how a job of `OrbitJobs.Jobs` is done. The result is called with the app's core, usually
 * in the feature's `jobs(core)`, and gives the definition for `buildJobs`, which also checks it.
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
    // It may be no number for the compiler, in an app that declared a provider without priorities.
    priority: typeof providerOptions?.priority === "number" ? providerOptions.priority : undefined,
    // What was enqueued under this name had this type, and the schema, where there is one, agreed.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    run: (payload, facts) => handler(payload as JobPayload<N>, { ...core, ...facts }),
  });
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
