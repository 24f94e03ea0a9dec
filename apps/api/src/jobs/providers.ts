// One line per provider: its name in JOBS_PROVIDER, and the function that makes it from the environment.
// The graphile line goes through package.json's "imports", so that serverless bundles leave it out.
export { graphileFromEnv as graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
export { qstashFromEnv as qstash } from "./infrastructure/qstash/qstash-provider.ts";
export { memoryFromEnv as memory } from "./infrastructure/memory/memory-provider.ts";
export { noopFromEnv as noop } from "./infrastructure/noop/noop-provider.ts";
