import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { PreparedJob } from "#src/jobs/application/prepare-enqueue.ts";
import { unless } from "./directory-errors.ts";

/** What is in a job's file. */
export interface StoredJob {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly payload: unknown;
  readonly maxAttempts: number;
  /** Begun ones. */
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly runAt: number;
  /** The name of its file while it waits: one per key, so that a second file cannot be made. */
  readonly slot: string;
  /** Why it is dead; empty until then. */
  readonly lastError: string;
}

export function newJob(
  { name, version, json, runAt, jobKey, maxAttempts }: PreparedJob,
  now: Date,
): StoredJob {
  const id = crypto.randomUUID();
  return {
    id,
    name,
    version,
    payload: JSON.parse(json),
    maxAttempts,
    attempts: 0,
    runAt: (runAt ?? now).getTime(),
    lastError: "",
    slot: jobKey === undefined ? id : `key-${digest(JSON.stringify([name, jobKey]))}`,
  };
}

/** The job of a file; `undefined` when it is gone, or is nothing of ours. */
export async function readJob(file: string): Promise<StoredJob | undefined> {
  const text = await unless("ENOENT", readFile(file, "utf8"));
  try {
    const value: unknown = JSON.parse(text ?? "null");
    return isStoredJob(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isStoredJob(value: unknown): value is StoredJob {
  const isRecord = typeof value === "object" && value !== null;
  return isRecord && "slot" in value && typeof value.slot === "string";
}

/** A key may be any string; the name of a file may not. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
