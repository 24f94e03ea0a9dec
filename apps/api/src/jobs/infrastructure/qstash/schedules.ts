import type { Client, Schedule } from "@upstash/qstash";
import type { JobDefinition } from "../../application/job-definition.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import { retryDelay } from "./back-off.ts";
import { destinationOf, versionFact, withFacts } from "./message-facts.ts";
import { RETRIES, rememberRetryCap } from "./retry-cap.ts";
import { callQStash, type QStashOptions } from "./qstash-client.ts";

/** Schedules by what was done with them. */
export interface ScheduleChanges {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly deleted: readonly string[];
}

type Wanted = Parameters<Client["schedules"]["create"]>[0] & {
  readonly scheduleId: string;
  readonly body: string;
};

/**
 * Makes QStash's schedules those of the registry: only what differs is written, only what is ours is
 * deleted.
 *
 * @throws JobsError `jobs.provider_unavailable`, `jobs.provider_rejected`
 */
export async function syncSchedules(
  client: Client,
  registry: JobRegistry,
  options: QStashOptions,
): Promise<ScheduleChanges> {
  const prefix = `orbit_${options.namespace}_`;
  const existing = await callQStash(() => client.schedules.list());
  const known = new Map(
    existing
      .filter(({ scheduleId }) => scheduleId.startsWith(prefix))
      .map((schedule) => [schedule.scheduleId, schedule]),
  );
  const wanted = new Map<string, JobDefinition>(
    registry.flatMap((job) => (job.schedule ? [[`${prefix}${job.name}`, job] as const] : [])),
  );
  const scheduleOf = (id: string, job: JobDefinition, retries: number) =>
    wantedSchedule(id, job, retries, options);
  const created = [...wanted].filter(([id]) => !known.has(id));
  const updated = [...wanted].filter(([id, job]) => {
    const now = known.get(id);
    // With fewer retries than we would like: the plan's cap.
    return now && !isSame(now, scheduleOf(id, job, Math.min(now.retries, RETRIES)));
  });
  const deleted = [...known.keys()].filter((id) => !wanted.has(id));
  const withRetries = rememberRetryCap();
  for (const [id, job] of [...created, ...updated]) {
    await callQStash(() =>
      withRetries((retries) => client.schedules.create(scheduleOf(id, job, retries))),
    );
  }
  for (const id of deleted) await callQStash(() => client.schedules.delete(id));
  const ids = (entries: typeof created) => entries.map(([id]) => id);
  return { created: ids(created), updated: ids(updated), deleted };
}

function wantedSchedule(
  scheduleId: string,
  { name, version, schedule, maxAttempts }: JobDefinition,
  retries: number,
  { callbackUrl, namespace, concurrency }: QStashOptions,
): Wanted {
  if (!schedule) throw new Error(`job "${name}" has no schedule`);
  const { cron, timezone, payload, backfill } = schedule;
  return {
    scheduleId,
    cron: timezone === "UTC" ? cron : `CRON_TZ=${timezone} ${cron}`,
    destination: withFacts(destinationOf(callbackUrl, name), {
      maxAttempts,
      retries,
      backfill,
      ...versionFact(version),
    }),
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(payload),
    retries,
    retryDelay: retryDelay(0, retries),
    ...(concurrency !== undefined && { flowControl: { key: namespace, parallelism: concurrency } }),
  };
}

function isSame(now: Schedule, wanted: Wanted): boolean {
  return (
    now.cron === wanted.cron &&
    now.destination === wanted.destination &&
    now.body === wanted.body &&
    now.retries === wanted.retries &&
    now.retryDelayExpression === wanted.retryDelay &&
    (now.flowControlKey ?? "") === (wanted.flowControl?.key ?? "") &&
    now.parallelism === wanted.flowControl?.parallelism
  );
}
