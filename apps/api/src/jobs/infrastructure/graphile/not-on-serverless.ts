import type { JobProvider } from "../../application/job-provider.ts";
import type * as provider from "./graphile-provider.ts";

// Serverless bundles contain this file instead of graphile-provider.ts, and so no graphile-worker.

function refuse(): never {
  throw new Error(
    "JOBS_PROVIDER=graphile needs a process that stays alive. Use JOBS_PROVIDER=qstash on serverless.",
  );
}

/** Serverless entries refuse this provider by its `needsProcess`, before they use a part of it. */
export const graphile: typeof provider.graphile = (): JobProvider => ({
  name: "graphile",
  unsupported: {},
  needsProcess: true,
  stopBeforeHttp: false,
  migrate: async () => refuse(),
  maintenance: refuse,
  bind: refuse,
});

export const graphileFromEnv: typeof provider.graphileFromEnv = () => ({
  ok: true,
  provider: graphile({ databaseUrl: "" }),
});
