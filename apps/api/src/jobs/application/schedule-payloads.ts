import type { JobDefinition } from "./job-definition.ts";
import { payloadIssues } from "./job-errors.ts";

// A scheduled payload that its schema refuses would make a dead job at every tick. `buildJobs` asks schemas
// that answer at once. The start asks those that return a promise.

/**
 * Asks the job's schema about the payload of its schedule.
 *
 * @returns the problem or `undefined`; a promise of it if the schema is asynchronous
 */
export function schedulePayloadProblem(
  definition: JobDefinition,
): string | undefined | Promise<string | undefined> {
  const { schedule, schema } = definition;
  if (!schedule) return undefined;
  try {
    // The handler sees the payload after JSON, so the schema must check that one.
    const json: string | undefined = JSON.stringify(schedule.payload);
    if (json === undefined) return "has a schedule with a payload that JSON cannot carry";
    const result = schema?.["~standard"].validate(JSON.parse(json));
    return result instanceof Promise
      ? result.then(refusalText, unansweredText)
      : refusalText(result ?? {});
  } catch (error) {
    return unansweredText(error);
  }
}

type SchemaResult = Awaited<
  ReturnType<NonNullable<JobDefinition["schema"]>["~standard"]["validate"]>
>;

function refusalText({ issues }: Pick<SchemaResult, "issues">): string | undefined {
  if (!issues) return undefined;
  const list = payloadIssues(issues).map(({ path, message }) =>
    path === "" ? message : `${path}: ${message}`,
  );
  return `has a schedule whose payload its schema refuses: ${list.join("; ")}`;
}

function unansweredText(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `has a schedule whose payload cannot be checked: ${reason}`;
}
