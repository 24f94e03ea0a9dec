import { createHash } from "node:crypto";
import {
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import {
  JobsError,
  ProviderRejectedError,
  ProviderUnavailableError,
} from "#src/jobs/application/job-errors.ts";
import type { PreparedJob } from "#src/jobs/application/prepare-enqueue.ts";

// Each job is one JSON file, and its folder is the job's state. Renaming the file changes the state in one
// step.

/** The folders of one provider. */
export interface JobDirectory {
  readonly waiting: string;
  /** Has one folder per worker, with the files of the jobs that it runs. */
  readonly running: string;
  readonly dead: string;
  /** Files that are still being written. */
  readonly drafts: string;
  /** Has one folder per schedule, see schedules.ts. */
  readonly schedules: string;
}

/** The content of a job's file. */
export interface StoredJob {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly payload: unknown;
  readonly maxAttempts: number;
  /** How many runs began. */
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly runAt: number;
  /** The file's name while the job waits. Jobs with one key share it, and a folder has each name once. */
  readonly slot: string;
  /** Set from the job's death until a replay begins. */
  readonly death?: Death | undefined;
}

export interface Death {
  readonly lastError: string;
  readonly stack: string | undefined;
  /** Unix milliseconds. */
  readonly diedAt: number;
}

const DRAFT_LIFETIME_MS = 3_600_000;

export function jobDirectory(root: string): JobDirectory {
  const at = (name: string) => path.resolve(root, name);
  return {
    waiting: at("waiting"),
    running: at("running"),
    dead: at("dead"),
    drafts: at("drafts"),
    schedules: at("schedules"),
  };
}

/** Makes missing folders and removes the drafts of crashed processes. Many processes may call it at once. */
export async function prepareDirectory(directory: JobDirectory): Promise<void> {
  const folders: readonly string[] = Object.values(directory);
  for (const folder of folders) await mkdir(folder, { recursive: true });
  for (const name of await readdir(directory.drafts)) {
    const draft = path.join(directory.drafts, name);
    if (await isOlderThan(draft, DRAFT_LIFETIME_MS)) await rm(draft, { force: true });
  }
}

export function newJob(
  { id, name, version, json, runAt, jobKey, maxAttempts }: PreparedJob,
  now: Date,
): StoredJob {
  return {
    id,
    name,
    version,
    payload: JSON.parse(json),
    maxAttempts,
    attempts: 0,
    runAt: (runAt ?? now).getTime(),
    slot: jobKey === undefined ? id : `key-${digest([name, jobKey])}`,
  };
}

/** A file name for any strings. A key may hold characters that a file name may not. */
export function digest(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Reads a job. Returns `undefined` if the file is gone or holds no job. */
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

/** Writes a job to the disk. The caller moves the finished file to its folder. */
export async function writeDraft({ drafts }: JobDirectory, job: StoredJob): Promise<string> {
  const file = path.join(drafts, crypto.randomUUID());
  await writeFile(file, JSON.stringify(job), { flag: "wx", flush: true });
  return file;
}

export async function replaceJob(
  directory: JobDirectory,
  file: string,
  job: StoredJob,
): Promise<void> {
  await rename(await writeDraft(directory, job), file);
}

/** Returns `false` if the file is gone. If many callers try at once, one succeeds. */
export async function tryMove(from: string, to: string): Promise<boolean> {
  const moved = rename(from, to).then(() => true);
  return (await unless("ENOENT", moved)) ?? false;
}

/** Gives the file a second name. Returns `false` if the name is taken. */
export async function tryLink(file: string, name: string): Promise<boolean> {
  const linked = link(file, name).then(() => true);
  return (await unless("EEXIST", linked)) ?? false;
}

/** Makes new names in a folder survive a power cut. */
export async function flushNames(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Lists a folder. A folder that is gone is empty. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  return (await unless("ENOENT", readdir(folder))) ?? [];
}

/** Compares with the disk's clock, not the app's. Returns `false` if the file is gone. */
export async function isOlderThan(file: string, ms: number): Promise<boolean> {
  const found = await unless("ENOENT", stat(file));
  return found !== undefined && found.mtimeMs < Date.now() - ms;
}

/** Errors that a retry cannot fix. */
const REFUSALS = ["EACCES", "EPERM", "EROFS", "ENOTDIR"];

/** Turns an error of the file system into one that callers can act on. */
export function providerError(cause: unknown): JobsError {
  if (cause instanceof JobsError) return cause;
  const what = cause instanceof Error ? cause.message : String(cause);
  return REFUSALS.some((code) => hasCode(cause, code))
    ? new ProviderRejectedError("directory", what, { cause })
    : new ProviderUnavailableError("directory", what, { cause });
}

/** Returns `undefined` if the operation fails with this code. */
export async function unless<T>(code: string, operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (hasCode(error, code)) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
