import { type DeadJobs, type DeadJobsCursor, replayable } from "../../application/dead-jobs.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import type { MemoryStore } from "./store.ts";

/** The dead jobs of this process's memory. */
export function memoryDeadJobs(store: MemoryStore, registry: JobRegistry): DeadJobs {
  const take = (id: string) => {
    const index = store.dead.findIndex((job) => job.id === id);
    return index < 0 ? undefined : store.dead.splice(index, 1)[0];
  };
  return {
    async list(limit, after) {
      // The page before may have ended with a job that is gone, so compare with its place.
      const left = after ? store.dead.filter((job) => newestFirst(after, job) < 0) : store.dead;
      return left.toSorted(newestFirst).slice(0, limit);
    },
    async replay(id) {
      const dead = store.dead.find((job) => job.id === id);
      if (!dead) return false;
      const { name, priority = 0 } = replayable(registry, dead);
      take(id);
      const { version, payload: json, maxAttempts } = dead;
      const [key, attempts, runAt] = [undefined, 0, store.now()];
      store.add({ id, name, json, version, priority, key, maxAttempts, attempts, runAt });
      store.changed();
      return true;
    },
    remove: async (id) => take(id) !== undefined,
  };
}

/** The order of the SQL tables: by death, then by id. */
function newestFirst(one: DeadJobsCursor, other: DeadJobsCursor): number {
  const later = other.diedAt.getTime() - one.diedAt.getTime();
  if (later !== 0 || one.id === other.id) return later;
  return one.id < other.id ? 1 : -1;
}
