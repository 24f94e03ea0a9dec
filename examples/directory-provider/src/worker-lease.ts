import { mkdir, rmdir, utimes } from "node:fs/promises";
import type { JobLogger } from "#src/jobs/application/ports.ts";
import { unless } from "./directory-errors.ts";

const BEAT_MS = 500;

/** A worker whose directory was not touched for so long is dead. */
export const LEASE_MS = 3_000;

export interface WorkerLease {
  /** Ends it and removes the directory, if it is empty. */
  release(): Promise<void>;
  /** Ends it as a crash does, and as if that had been a while ago. */
  abandon(): Promise<void>;
}

/** Makes the worker's directory and keeps touching it. */
export async function holdLease(own: string, log: JobLogger): Promise<WorkerLease> {
  await mkdir(own);
  const beat = async () => {
    // Whoever took this worker for dead has removed it.
    if (!(await touch(own, new Date()))) await mkdir(own, { recursive: true });
  };
  let beating: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    beating = beat().catch((err: unknown) => log.warn({ err }, "the lease was not renewed"));
  }, BEAT_MS);
  const end = async () => {
    clearInterval(timer);
    await beating;
  };
  return {
    async release() {
      await end();
      // Where something is left in it, others find it when the lease has run out.
      await rmdir(own).catch(() => undefined);
    },
    async abandon() {
      await end();
      await touch(own, new Date(0)).catch(() => undefined);
    },
  };
}

const touch = (file: string, time: Date) =>
  unless(
    "ENOENT",
    utimes(file, time, time).then(() => true),
  );
