import type { DeadJobs } from "../../application/dead-jobs.ts";

/** Where nothing runs nothing dies. */
export const noDeadJobs: DeadJobs = {
  list: async () => [],
  replay: async () => false,
  remove: async () => false,
};
