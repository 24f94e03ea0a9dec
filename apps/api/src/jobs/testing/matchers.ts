import { expect } from "vitest";
import type { EnqueueOptions } from "../application/job-queue.ts";
import type { JobName, JobPayload } from "../application/job-types.ts";
import type { EnqueuedJob, RecordingJobQueue } from "./recording-job-queue.ts";

/** The result of `expect.any`, `expect.stringContaining` and similar. */
interface AsymmetricMatcher {
  asymmetricMatch(other: unknown): boolean;
}

/** Some fields of a `T`, each a value or a matcher. Lists are compared as a whole. */
export type PartOf<T> =
  | AsymmetricMatcher
  | (T extends string | number | boolean | null | undefined | Date
      ? T
      : T extends readonly (infer Item)[]
        ? readonly PartOf<Item>[]
        : { readonly [K in keyof T]?: PartOf<T[K]> });

declare module "vitest" {
  // oxlint-disable-next-line typescript/no-unused-vars -- a merged interface has the same parameters
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /**
     * Passes if the queue accepted this job at least once, with at least these fields of payload and
     * options. Compares as `toMatchObject` does. The queue is one of `recordingJobQueue`,
     * `inlineJobQueue` or `inMemoryJobs`.
     */
    toHaveEnqueued: <N extends JobName>(
      name: N,
      payload?: PartOf<JobPayload<NoInfer<N>>>,
      options?: PartOf<EnqueueOptions>,
    ) => R;
  }
}

/** How many enqueues a failure message lists. */
const LISTED = 20;

expect.extend({
  toHaveEnqueued(received: unknown, name: string, payload?: unknown, options?: unknown) {
    if (!isRecording(received)) {
      throw new TypeError(
        "toHaveEnqueued needs a queue that records: " +
          "one of recordingJobQueue, inlineJobQueue or inMemoryJobs(…).queue",
      );
    }
    const { records } = received;
    const { equals, customTesters, utils } = this;
    const testers = [...customTesters, utils.iterableEquality, utils.subsetEquality];
    const fits = (actual: unknown, part: unknown) =>
      part === undefined || equals(actual, part, testers);
    const pass = records.some(
      (record) =>
        record.name === name && fits(record.payload, payload) && fits(record.options, options),
    );
    const oneLine = (value: unknown) => utils.stringify(value, 10, { min: true });
    const line = (one: Described) => `  ${[one.name, ...argumentsOf(one).map(oneLine)].join(" ")}`;
    const message = () =>
      [
        utils.matcherHint("toHaveEnqueued", "queue", "name, …", { isNot: pass }),
        "",
        pass ? "Expected not to be enqueued:" : "Expected to be enqueued:",
        utils.EXPECTED_COLOR(line({ name, payload, options })),
        "",
        records.length === 0 ? "Nothing was enqueued." : "The queue accepted:",
        utils.RECEIVED_COLOR(shown(records, name).map(line).join("\n")),
        ...(records.length > LISTED ? [`  … and ${records.length - LISTED} more`] : []),
      ].join("\n");
    return { pass, message };
  },
});

interface Described {
  readonly name: string;
  readonly payload?: unknown;
  readonly options?: unknown;
}

function argumentsOf({ payload, options }: Described): unknown[] {
  const hasOptions =
    typeof options === "object" && options !== null && Object.keys(options).length > 0;
  return [...(payload === undefined ? [] : [payload]), ...(hasOptions ? [options] : [])];
}

/** Lists enqueues with the expected name first. */
function shown(records: readonly EnqueuedJob[], name: string): readonly EnqueuedJob[] {
  return records
    .toSorted((one, other) => Number(other.name === name) - Number(one.name === name))
    .slice(0, LISTED);
}

function isRecording(value: unknown): value is RecordingJobQueue {
  return (
    typeof value === "object" &&
    value !== null &&
    "records" in value &&
    Array.isArray(value.records)
  );
}
