import type { JobDefinition } from "../../application/job-definition.ts";
import { asciiText, isAscii } from "../sql/text-encoding.ts";

// Texts that mark our facts in graphile-worker's rows. Stored rows contain them, so they never change.
// migrations/0001_initial.sql contains the same texts.

/** `last_error` of a recorded run in progress. Without it, a claimed job may still wait in memory. */
export const RUN_BEGUN = "The run was begun and has not ended yet.";

/** `last_error` of a run that was cut off because its worker stopped. */
export const RUN_CUT_OFF = "The worker stopped before this run ended.";

/** `last_error` of a run that was cut off because its worker died. */
export const WORKER_DIED = "The worker died during this run.";

/** Wraps a scheduled payload: graphile-worker merges `_cron` into it, so it must be an object. */
export const SCHEDULED = "orbit_scheduled";

/**
 * Wraps a scheduled payload as JSON text. Statements of graphile-worker look into the payload, and Postgres
 * cannot decode characters that it cannot store.
 */
const SCHEDULED_TEXT = "orbit_scheduled_text";

/** Prefix of the flag that keeps the id of a replayed job. graphile-worker gives the row a new id. */
export const JOB_ID_FLAG = "orbit-id:";

/**
 * The name of a job's task. Each later version is a task of its own, so that workers with older code
 * never claim jobs that only newer code can run.
 */
export function taskName(name: string, version: number): string {
  return version === 1 ? name : `${name}@${version}`;
}

/** The tasks that a definition can run: its own version and all earlier ones, in order. */
export function taskNames({ name, version }: JobDefinition): readonly string[] {
  return Array.from({ length: version }, (_, index) => taskName(name, index + 1));
}

/** Wraps a scheduled payload, so that any database can store it. */
export function wrapScheduled(payload: unknown, isUtf8: boolean): Record<string, unknown> {
  const json = JSON.stringify(payload);
  // U+0000 and lone surrogates are escaped in JSON.
  const needsText = /\\u(?:0000|d[89a-f])/i.test(json) || (!isUtf8 && !isAscii(json));
  return needsText ? { [SCHEDULED_TEXT]: asciiText(json) } : { [SCHEDULED]: payload };
}

/** Whether JSON text may be a wrapped payload. */
export function isWrapped(json: string): boolean {
  return json.includes(SCHEDULED) && json.includes("_cron");
}

/** The payload as it was enqueued or scheduled. */
export function payloadOf({ payload }: { readonly payload: unknown }): unknown {
  if (typeof payload !== "object" || payload === null || !("_cron" in payload)) return payload;
  if (SCHEDULED in payload) return payload[SCHEDULED];
  const text = SCHEDULED_TEXT in payload ? payload[SCHEDULED_TEXT] : undefined;
  return typeof text === "string" ? (JSON.parse(text) as unknown) : payload;
}
