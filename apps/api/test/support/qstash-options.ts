import { DEV_CREDENTIALS } from "@orbit/qstash-dev";
import type { JobProvider } from "#src/jobs/application/job-provider.ts";
import type { JobDispatcher, ProviderParts } from "#src/jobs/application/job-provider.ts";
import type { ProviderSupport } from "#src/jobs/application/provider-features.ts";
import { runJob } from "#src/jobs/application/run-job.ts";
import { qstash, type QStashOptions } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import { providerPorts, type TestPorts } from "./bind-provider.ts";
import { silentLog } from "./silent-log.ts";

/** A port that nothing listens on. */
export const NOBODY = "http://127.0.0.1:1";

/** The options of an app whose local QStash listens at `url`. */
export function qstashOptions(url: string, more: Partial<QStashOptions> = {}): QStashOptions {
  return {
    url,
    token: DEV_CREDENTIALS.token,
    currentSigningKey: DEV_CREDENTIALS.currentSigningKey,
    nextSigningKey: DEV_CREDENTIALS.nextSigningKey,
    callbackUrl: "https://api.example.com",
    namespace: "tests",
    ...more,
  };
}

/** The provider's name and its unsupported features, for the contract's suite. */
export const qstashSupport: ProviderSupport = qstash(qstashOptions(NOBODY));

/** The dispatcher of a provider that delivers over HTTP. */
export function dispatcherOf({ dispatcher }: ProviderParts): JobDispatcher {
  if (!dispatcher) throw new Error("The qstash provider has a dispatcher.");
  return dispatcher;
}

/** Publishes the jobs in the outbox, as the provider's maintenance job does. */
export async function sweepOutbox(provider: JobProvider, ports: TestPorts): Promise<void> {
  const jobs = provider.maintenance(providerPorts(ports));
  const job = jobs.find(({ name }) => name === "jobs.publish-outbox");
  if (!job) throw new Error("The provider has no outbox.");
  const { signal } = new AbortController();
  const facts = { jobId: "sweep", attempt: 1, maxAttempts: 1, version: 1, signal, log: silentLog };
  const outcome = await runJob(job, { ...facts, payload: {} });
  if (outcome.status !== "succeeded") throw outcome.error;
}
