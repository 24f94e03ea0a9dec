import { link, mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { unless } from "./directory-errors.ts";
import type { StoredJob } from "./stored-job.ts";

/** A job is in one of the first three: renaming its file is all that it takes to change its state. */
export interface JobDirectory {
  readonly waiting: string;
  /** A directory for each worker. */
  readonly running: string;
  readonly dead: string;
  /** Files that are being written: nobody reads them. */
  readonly drafts: string;
}

const DRAFT_LIFETIME_MS = 3_600_000;

/** Makes what is missing, and clears what enqueues that died left behind. Safe by many at once. */
export async function prepareDirectory(root: string): Promise<JobDirectory> {
  const at = (name: string) => path.join(root, name);
  const directory = {
    waiting: at("waiting"),
    running: at("running"),
    dead: at("dead"),
    drafts: at("drafts"),
  };
  for (const made of Object.values(directory)) await mkdir(made, { recursive: true });
  for (const name of await readdir(directory.drafts)) {
    const draft = path.join(directory.drafts, name);
    if (await isOlderThan(draft, DRAFT_LIFETIME_MS)) await rm(draft, { force: true });
  }
  return directory;
}

/** Writes a job to the disk, for the caller to put into its place whole. */
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

/** Whether this call has moved the file: of many that try, one succeeds. */
export async function tryMove(from: string, to: string): Promise<boolean> {
  const moved = rename(from, to).then(() => true);
  return (await unless("ENOENT", moved)) ?? false;
}

/** Whether the file now has this name, too. `false` where the name is taken. */
export async function tryLink(file: string, name: string): Promise<boolean> {
  const linked = link(file, name).then(() => true);
  return (await unless("EEXIST", linked)) ?? false;
}

/** Makes names that were added survive a power cut. */
export async function flushNames(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** By the disk's clock, whatever time the app believes it is. `false` for what is gone. */
export async function isOlderThan(file: string, ms: number): Promise<boolean> {
  const found = await unless("ENOENT", stat(file));
  return found !== undefined && found.mtimeMs < Date.now() - ms;
}
