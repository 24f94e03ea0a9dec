import { DEFAULT_SETTINGS } from "#src/jobs/application/create-jobs.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type {
  JobProvider,
  JobSettings,
  ProviderParts,
  ProviderPorts,
} from "#src/jobs/application/job-provider.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import { type SqlExecutor, systemClock } from "#src/jobs/application/ports.ts";
import { silentLog } from "./silent-log.ts";

/** The parts that a test passes to a provider. */
export interface TestPorts extends Partial<Omit<ProviderPorts, "settings">> {
  readonly settings?: Partial<JobSettings>;
}

/** For parts that must not use the database. */
const noDatabase: SqlExecutor = {
  query: () => Promise.reject(new Error("This test has no database.")),
};

/** Binds the provider to exactly these jobs, without its maintenance jobs. */
export function bindProvider(
  provider: JobProvider,
  definitions: readonly JobDefinition[],
  ports: TestPorts = {},
): ProviderParts {
  return provider.bind(buildJobs(definitions, provider), providerPorts(ports));
}

export function providerPorts({
  sql = noDatabase,
  clock = systemClock,
  log = silentLog,
  settings,
}: TestPorts): ProviderPorts {
  return { sql, clock, log, settings: { ...DEFAULT_SETTINGS, ...settings } };
}
