import { Hono } from "hono";
import { findNextTicks, nextTick } from "#src/jobs/application/cron.ts";
import {
  InvalidOptionsError,
  InvalidPayloadError,
  JobsError,
  type PayloadIssue,
  UnknownJobError,
} from "#src/jobs/application/job-errors.ts";
import type { BulkJobQueue, EnqueueOptions } from "#src/jobs/application/job-queue.ts";
import { findJob, type JobRegistry } from "#src/jobs/application/job-registry.ts";
import type { JobName, JobPayload } from "#src/jobs/application/job-types.ts";
import type { Clock } from "#src/kernel/clock.ts";
import { AppError } from "#src/kernel/errors.ts";
import { changedNumbers } from "../changed-numbers.ts";
import { SHOWN_CHARACTERS } from "../limits.ts";
import { type JsonBody, readJson } from "../read-body.ts";

/** Lists the registered jobs and enqueues one. Requires the bearer token. */
export function jobsAdminController(
  registry: JobRegistry,
  queue: BulkJobQueue,
  clock: Clock,
): Hono {
  return new Hono()
    .get("/jobs", async (c) => {
      const now = clock.now();
      await findNextTicks(
        registry.flatMap(({ schedule }) => schedule ?? []),
        now,
      );
      return c.json({
        jobs: registry.map(({ name, feature, schedule, maxAttempts }) => ({
          name,
          feature: feature ?? null,
          maxAttempts,
          schedule: schedule ? { cron: schedule.cron, timezone: schedule.timezone } : null,
          nextTick: schedule ? nextTick(schedule, now) : null,
        })),
      });
    })
    .post("/jobs", async (c) => {
      const { text, request } = await readRequest(() => readJson(c));
      const { name, payload, ...options } = request;
      if (typeof name !== "string") throw new UnknownJobError(String(name));
      const definition = findJob(registry, name);
      if (!definition) throw new UnknownJobError(name);
      refuseChangedNumbers(name, text);
      const added = await queue.add(definition.name, asPayload(payload), readOptions(options));
      return c.json({ enqueued: { name, ...added } }, 202);
    });
}

async function readRequest(
  read: () => Promise<JsonBody>,
): Promise<{ readonly text: string; readonly request: Record<string, unknown> }> {
  const { text, value } = await read().catch((cause: unknown) => {
    if (!(cause instanceof AppError)) throw cause;
    throw notARequest(cause.message, cause);
  });
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isObject) return { text, request: { ...value } };
  throw notARequest("The body is not an object.");
}

const NUMBERS_SHOWN = 100;

/** A job would run with a number that nobody sent. Numbers beside the payload have checks of their own. */
function refuseChangedNumbers(name: string, body: string): void {
  const issues: PayloadIssue[] = [];
  for (const { path, literal } of changedNumbers(body)) {
    const [member, ...inside] = path;
    if (member !== "payload") continue;
    issues.push({
      path: shortened(inside.join(".")),
      message: `${shortened(literal)} would become ${Number(literal)}; send it as a string`,
    });
    if (issues.length === NUMBERS_SHOWN) break;
  }
  if (issues.length > 0) throw new InvalidPayloadError(name, issues);
}

function shortened(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/** An unreadable body gets the same code as an invalid payload. */
function notARequest(problem: string, cause?: unknown): JobsError {
  const message = `${problem} Send {"name": "…", "payload": {…}}.`;
  return new JobsError("jobs.invalid_payload", 422, message, { cause, details: { issues: [] } });
}

/** Safe, because the queue checks the payload against the job's schema. */
function asPayload(payload: unknown): JobPayload<JobName> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return payload as JobPayload<JobName>;
}

function readOptions({
  runAt,
  jobKey,
  maxAttempts,
  ...others
}: Record<string, unknown>): EnqueueOptions {
  const [unknownOption] = Object.keys(others);
  if (unknownOption !== undefined) {
    throw new InvalidOptionsError(unknownOption, "is unknown: use runAt, jobKey or maxAttempts");
  }
  const options: EnqueueOptions = {};
  if (runAt !== undefined) options.runAt = readDate(runAt);
  if (jobKey !== undefined) {
    if (typeof jobKey !== "string") throw new InvalidOptionsError("jobKey", "must be a string");
    options.jobKey = jobKey;
  }
  if (maxAttempts !== undefined) {
    if (typeof maxAttempts !== "number") {
      throw new InvalidOptionsError("maxAttempts", "must be a number");
    }
    options.maxAttempts = maxAttempts;
  }
  return options;
}

const ISO_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

function readDate(text: unknown): Date {
  const date =
    typeof text === "string" && ISO_INSTANT.test(text) ? new Date(text) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime())) {
    throw new InvalidOptionsError("runAt", 'must be an instant like "2026-12-24T18:00:00Z"');
  }
  return date;
}
