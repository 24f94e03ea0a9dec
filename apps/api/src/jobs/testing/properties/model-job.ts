import type { EnqueueCommand } from "./commands.ts";
import type { Elapsed } from "./elapsed.ts";

/** What the contract lets one say of a job. */
export interface ModelJob {
  /** Also its payload. */
  readonly id: number;
  readonly key: string | undefined;
  readonly maxAttempts: number;
  state: "waiting" | "running" | "done" | "dead";
  /** Of the last run that was begun. */
  attempt: number;
  /** How many attempts a crash may have made count of which no run was seen. */
  unseen: number;
  /** By the longest count of the time no run begins before. */
  notBefore: number;
  /** By the shortest count of the time a run has begun if anybody works. */
  dueBy: number;
  /** Whether it has its key, so that others with the key are absorbed. */
  hasKey: "yes" | "perhaps" | "no";
  /** What its handler threw last, if it is dead of that. */
  diedOf: string | undefined;
}

/** A runAt is kept to the second, and what is due is looked for now and then. */
const SECOND_MS = 1_000;
const SLACK_MS = 2_000;

const DEFAULT_MAX_ATTEMPTS = 10;

export function waitingJob(
  id: number,
  { key, maxAttempts = DEFAULT_MAX_ATTEMPTS, delay }: EnqueueCommand,
  now: Elapsed,
): ModelJob {
  const delayMs = (delay ?? 0) * 1_000;
  return {
    id,
    key,
    maxAttempts,
    state: "waiting",
    attempt: 0,
    unseen: 0,
    notBefore: delay === undefined ? now.most : now.most + delayMs - SECOND_MS,
    dueBy: delay === undefined ? now.least : now.least + delayMs + SLACK_MS,
    hasKey: key === undefined ? "no" : "yes",
    diedOf: undefined,
  };
}

export const backOffMs = (attempt: number) => 1_000 * Math.exp(Math.min(attempt, 10));

/** From when on it must have been begun whose back-off begins now at the latest. */
export const retryIsDueBy = ({ attempt }: ModelJob, now: Elapsed) =>
  now.least + backOffMs(attempt) + SLACK_MS;

/** Whether some worker may take it at this moment, or while a step is made. */
export const mayBeTaken = ({ state, notBefore }: ModelJob, now: Elapsed) =>
  state === "waiting" && notBefore <= now.most + SECOND_MS;

/** Whether it may be dead by now: its last attempt was cut off. */
export const mayBeDead = ({ state, attempt, unseen, maxAttempts }: ModelJob) =>
  state === "waiting" && attempt + unseen >= maxAttempts;
