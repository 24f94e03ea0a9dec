import { rm } from "node:fs/promises";
import path from "node:path";
import { TransactionEndedError } from "#src/jobs/application/job-errors.ts";
import type {
  JobProvider,
  ProviderFromEnv,
  ProviderPorts,
  TransactionJobs,
} from "#src/jobs/application/job-provider.ts";
import type { AddedJob } from "#src/jobs/application/job-queue.ts";
import type { JobRegistry } from "#src/jobs/application/job-registry.ts";
import {
  checkedQueue,
  type PreparedJob,
  type StoreJobs,
} from "#src/jobs/application/prepare-enqueue.ts";
import {
  applyMigrations,
  commonMigrations,
} from "#src/jobs/infrastructure/sql/apply-migrations.ts";
import { pruneJob } from "#src/jobs/infrastructure/sql/maintenance.ts";
import { directoryDeadJobs } from "./dead-jobs.ts";
import { createDirectoryRuntime } from "./directory-runtime.ts";
import {
  flushNames,
  type JobDirectory,
  jobDirectory,
  newJob,
  prepareDirectory,
  providerError,
  readJob,
  tryLink,
  writeDraft,
} from "./job-files.ts";

export interface DirectoryOptions {
  /** The directory of the jobs, on a local disk. Made if it is missing. */
  readonly root: string;
  /** How many jobs run at a time. Default: 2. */
  readonly concurrency?: number | undefined;
}

/** Keeps each job in a file, and moves the file from folder to folder. */
export function directory({ root, concurrency = 2 }: DirectoryOptions): JobProvider {
  const folders = jobDirectory(root);
  return {
    name: "directory",
    unsupported: {
      transactions:
        "A job is stored when its transaction has committed; a crash between the two loses it.",
      priority: "A worker takes the first due file that it finds, and does not read the others.",
    },
    needsProcess: true,
    stopBeforeHttp: false,
    async migrate(pool) {
      await prepareDirectory(folders).catch((error: unknown) => {
        throw providerError(error);
      });
      // The ledger of `tx.processed` works with every provider.
      await applyMigrations(pool, commonMigrations);
    },
    maintenance: (ports) => [pruneJob(ports)],
    bind(registry, ports) {
      const { clock, log, settings } = ports;
      const { maxPayloadBytes, shutdownGraceMs } = settings;
      const store: StoreJobs = (jobs) => storeJobs(folders, jobs, clock.now());
      const options = { directory: folders, clock, concurrency, shutdownGraceMs, log };
      return {
        queue: checkedQueue(registry, maxPayloadBytes, store),
        in: () => afterCommit(registry, ports, store),
        runtime: createDirectoryRuntime(registry, options),
        deadJobs: directoryDeadJobs(folders, registry),
      };
    },
  };
}

/** Reads `JOBS_DIRECTORY`. */
export const directoryFromEnv: ProviderFromEnv = ({ env, concurrency }) => {
  const root = env["JOBS_DIRECTORY"];
  if (root) return { ok: true, provider: directory({ root, concurrency }) };
  const problem = "JOBS_DIRECTORY must be the path of a directory on a local disk, for the jobs.";
  return { ok: false, problems: [problem] };
};

/** Writes every job to the disk before the first one gets the name that workers see. */
async function storeJobs(
  folders: JobDirectory,
  prepared: readonly PreparedJob[],
  now: Date,
): Promise<readonly AddedJob[]> {
  const drafts: { readonly id: string; readonly draft: string; readonly slot: string }[] = [];
  const added: AddedJob[] = [];
  try {
    for (const each of prepared) {
      const job = newJob(each, now);
      drafts.push({ id: job.id, draft: await writeDraft(folders, job), slot: job.slot });
    }
    for (const { id, draft, slot } of drafts) {
      const holder = await linkOrFindHolder(draft, path.join(folders.waiting, slot));
      added.push({ id: holder ?? id, absorbed: holder !== undefined });
    }
    await flushNames(folders.waiting);
    return added;
  } catch (error) {
    const enqueued = added.length;
    throw enqueued > 0 ? providerError(error).with({ enqueued }) : providerError(error);
  } finally {
    // A later start removes the drafts that are left.
    await Promise.allSettled(drafts.map(({ draft }) => rm(draft)));
  }
}

const LINK_TRIES = 100;

/**
 * Makes the job wait. A taken name means that a job with the same key waits: this one is absorbed.
 *
 * @returns the id of the job that absorbed this one
 */
async function linkOrFindHolder(draft: string, waiting: string): Promise<string | undefined> {
  for (let tries = 0; tries < LINK_TRIES; tries++) {
    if (await tryLink(draft, waiting)) return undefined;
    const holder = await readJob(waiting);
    if (holder) return holder.id;
    // A worker has claimed the holder since, so the name is free.
  }
  throw new Error(`The file ${waiting} exists and holds no job.`);
}

/** A directory takes no part in a transaction, so the jobs are stored after its commit. */
function afterCommit(
  registry: JobRegistry,
  { log, settings }: ProviderPorts,
  store: StoreJobs,
): TransactionJobs {
  const prepared: PreparedJob[] = [];
  let hasEnded = false;
  return {
    ...checkedQueue(registry, settings.maxPayloadBytes, async (jobs) => {
      if (hasEnded) throw new TransactionEndedError();
      prepared.push(...jobs);
      // The commit may absorb them.
      return jobs.map(({ id }) => ({ id, absorbed: false }));
    }),
    ended() {
      hasEnded = true;
    },
    async committed() {
      hasEnded = true;
      if (prepared.length === 0) return;
      await store(prepared).catch((err: unknown) => {
        const jobs = prepared.map(({ name }) => name);
        log.error({ err, jobs }, "transaction committed, but its jobs were not stored");
      });
    },
  };
}
