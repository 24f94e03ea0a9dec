import type { DeadJobs } from "../../application/dead-jobs.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import { findJob } from "../../application/job-registry.ts";
import type { MemoryStore } from "./memory-store.ts";

/** The dead jobs of this process's memory. */
export function memoryDeadJobs(store: MemoryStore, registry: JobRegistry): DeadJobs {
  const take = (id: string) => {
    const index = store.dead.findIndex((job) => job.id === id);
    return index < 0 ? undefined : store.dead.splice(index, 1)[0];
  };
  return {
    async list(limit, after) {
      const newestFirst = store.dead.toReversed();
      const start = after ? newestFirst.findIndex(({ id }) => id === after.id) + 1 : 0;
      return newestFirst.slice(start, start + limit);
    },
    async replay(id) {
      const dead = take(id);
      if (!dead) return false;
      const { name, version, payload: json, maxAttempts } = dead;
      const priority = findJob(registry, name)?.priority ?? 0;
      const [key, owner, attempts, runAt] = [undefined, undefined, 0, store.now()];
      store.jobs.set(id, {
        id,
        name,
        json,
        version,
        priority,
        key,
        maxAttempts,
        attempts,
        runAt,
        owner,
      });
      store.changed();
      return true;
    },
    remove: async (id) => take(id) !== undefined,
  };
}
