import type * as graphile from "./index.ts";

// What a serverless bundle has in place of this provider, so that graphile-worker is not in it.

function refuse(): never {
  throw new Error(
    "JOBS_PROVIDER=graphile needs a process that lives. Serverless deployments use JOBS_PROVIDER=qstash.",
  );
}

export const graphileQueue: typeof graphile.graphileQueue = refuse;
export const graphileRuntime: typeof graphile.graphileRuntime = refuse;
export const migrateGraphile: typeof graphile.migrateGraphile = async () => refuse();
