import pTimeout from "p-timeout";
import { normalSchedule } from "./cron.ts";
import type { JobDefinition } from "./job-definition.ts";
import type { ProviderFeature, ProviderSupport } from "./provider-features.ts";
import { isAttemptCount, MAX_ATTEMPTS_LIMIT } from "./job-limits.ts";
import { schedulePayloadProblem } from "./schedule-payloads.ts";

/** Every job of the app, each name once. Only `buildJobs` makes one. */
export type JobRegistry = readonly JobDefinition[];

const NAME = /^[a-z0-9]+(?:[.-][a-z0-9]+)*$/;

/** graphile-worker's own limit less a version suffix. The same everywhere, so that jobs can move. */
const NAME_LENGTH_LIMIT = 120;

const VERSION_LIMIT = 999;

/** The longest run that every provider allows. */
const LONG_RUN_MS = 2 * 3_600_000;

/** graphile-worker frees jobs that were locked for four hours. */
const TIMEOUT_LIMIT_MS = 3.5 * 3_600_000;

/** Three weeks. */
const BACKFILL_LIMIT_MS = 21 * 86_400_000;

/** Names the feature that exports these definitions, for the messages of `buildJobs`. */
export function inFeature(
  feature: string,
  definitions: readonly JobDefinition[],
): readonly JobDefinition[] {
  return definitions.map((definition) => ({ ...definition, feature }));
}

/**
 * Checks the definitions and assembles the registry. The texts of its schedules are in their normal form.
 *
 * @param provider runs the jobs; a definition that needs an unsupported feature is refused
 * @throws Error that lists every problem: a duplicate or malformed name, a schedule that never ticks,
 * a number out of range, a scheduled payload that its schema refuses, an unsupported feature
 */
export function buildJobs(
  definitions: readonly JobDefinition[],
  provider?: ProviderSupport,
): JobRegistry {
  const firsts = new Map<string, JobDefinition>();
  const problems = definitions.flatMap((definition) => {
    const earlier = firsts.get(definition.name);
    if (!earlier) firsts.set(definition.name, definition);
    const duplicate = earlier
      ? [
          `is already defined${earlier.feature === undefined ? "" : ` by feature "${earlier.feature}"`}`,
        ]
      : [];
    return [
      ...duplicate,
      ...definitionProblems(definition),
      ...(provider ? unsupportedOptions(definition, provider) : []),
    ].map((problem) => lineOf(definition, problem));
  });
  throwProblems(problems);
  return Object.freeze(definitions.map(withNormalSchedule));
}

/** How long the schema of one schedule may take. */
const SCHEMA_TIMEOUT_MS = 10_000;

/**
 * Checks the payloads of schedules with asynchronous schemas. `buildJobs` cannot wait for these.
 *
 * @throws Error that lists every payload that its schema refuses
 */
export async function checkSchedulePayloads(registry: JobRegistry): Promise<void> {
  const problems = await Promise.all(
    registry.map(async (definition) => {
      const problem = await pTimeout(Promise.resolve(schedulePayloadProblem(definition)), {
        milliseconds: SCHEMA_TIMEOUT_MS,
        fallback: () => `has a schema that did not answer within ${SCHEMA_TIMEOUT_MS} ms`,
      });
      return problem === undefined ? [] : [lineOf(definition, problem)];
    }),
  );
  throwProblems(problems.flat());
}

function lineOf(definition: JobDefinition, problem: string): string {
  return `- job "${definition.name}"${inFeatureText(definition)} ${problem}`;
}

function throwProblems(lines: readonly string[]): void {
  if (lines.length > 0) {
    throw new Error(`These jobs cannot be registered:\n${lines.join("\n")}`);
  }
}

function withNormalSchedule(definition: JobDefinition): JobDefinition {
  if (!definition.schedule) return definition;
  const schedule = normalSchedule(definition.schedule);
  return schedule === definition.schedule ? definition : { ...definition, schedule };
}

/** Finds the definition of a job by its name. */
export function findJob(registry: JobRegistry, name: string): JobDefinition | undefined {
  return byName(registry).get(name);
}

const indexes = new WeakMap<JobRegistry, ReadonlyMap<string, JobDefinition>>();

/** Built once per registry: registries never change. */
function byName(registry: JobRegistry): ReadonlyMap<string, JobDefinition> {
  const known = indexes.get(registry);
  if (known) return known;
  const index = new Map(registry.map((definition) => [definition.name, definition]));
  indexes.set(registry, index);
  return index;
}

/** Finds the definition that can run a stored job. Only newer code can run a newer payload. */
export function findRunnable(
  registry: JobRegistry,
  name: string,
  version: number,
): JobDefinition | undefined {
  const definition = findJob(registry, name);
  return definition && version <= definition.version ? definition : undefined;
}

function unsupportedOptions(
  definition: JobDefinition,
  { name, unsupported }: ProviderSupport,
): string[] {
  const asked: readonly (readonly [boolean, string, ProviderFeature])[] = [
    [definition.priority !== undefined, "providerOptions.priority", "priority"],
    [definition.schedule !== undefined, "a schedule", "schedules"],
    [
      definition.timeout > LONG_RUN_MS,
      `a timeout of ${definition.timeout} ms, more than 2 hours,`,
      "longRuns",
    ],
  ];
  return asked.flatMap(([isAsked, option, feature]) => {
    const reason = unsupported[feature];
    if (!isAsked || reason === undefined) return [];
    return [`asks for ${option} which the provider ${name} does not support: ${reason}`];
  });
}

function inFeatureText({ feature }: JobDefinition): string {
  return feature === undefined ? "" : ` of feature "${feature}"`;
}

function definitionProblems(definition: JobDefinition): string[] {
  const { maxAttempts, timeout, schedule, version, upgrade, priority } = definition;
  const name: string = definition.name;
  const problems: string[] = [];
  if (!NAME.test(name) || name.length > NAME_LENGTH_LIMIT) {
    problems.push(
      `must be named by segments of a-z and 0-9 joined by "." or "-", at most ${NAME_LENGTH_LIMIT} characters`,
    );
  }
  if (!isAttemptCount(maxAttempts)) {
    problems.push(
      `has maxAttempts ${maxAttempts}: it must be an integer from 1 to ${MAX_ATTEMPTS_LIMIT}`,
    );
  }
  if (!(timeout > 0 && timeout <= TIMEOUT_LIMIT_MS)) {
    problems.push(
      `has timeout ${timeout}: it must be from 1 to ${TIMEOUT_LIMIT_MS} milliseconds (3.5 hours); split work that takes longer`,
    );
  }
  if (!(Number.isInteger(version) && version >= 1 && version <= VERSION_LIMIT)) {
    problems.push(`has version ${version}: it must be an integer from 1 to ${VERSION_LIMIT}`);
  } else if (version > 1 && !upgrade) {
    problems.push(`has version ${version} and no upgrade for payloads of earlier versions`);
  } else if (version === 1 && upgrade) {
    problems.push("has an upgrade and version 1: raise the version when the payload changes");
  }
  if (priority !== undefined && !(Number.isInteger(priority) && Math.abs(priority) <= 32_767)) {
    problems.push(`has priority ${priority}: it must be an integer from -32767 to 32767`);
  }
  if (schedule) {
    try {
      normalSchedule(schedule);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push(`has a bad schedule: ${reason}`);
    }
    const payloadProblem = schedulePayloadProblem(definition);
    // The promise of an asynchronous schema never rejects. The start checks the payload.
    if (typeof payloadProblem === "string") problems.push(payloadProblem);
    if (!(schedule.backfill >= 0 && schedule.backfill <= BACKFILL_LIMIT_MS)) {
      problems.push(
        `has backfill ${schedule.backfill}: it must be from 0 to ${BACKFILL_LIMIT_MS} milliseconds`,
      );
    }
  }
  return problems;
}
