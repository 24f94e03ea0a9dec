import type { Client, Schedule } from "@upstash/qstash";
import type { JobDefinition } from "../../application/job-definition.ts";
import type { ScheduleChanges } from "../../application/job-provider.ts";
import type { JobRegistry } from "../../application/job-registry.ts";
import { createTimeSlices } from "../../application/time-slices.ts";
import { retryDelay } from "./redelivery-delay.ts";
import { scheduleUrl } from "./job-metadata.ts";
import { type PlanRetryLimit, type PublishSettings, WANTED_RETRIES } from "./publisher.ts";
import { callQStash } from "./qstash-client.ts";

interface SyncOptions {
  readonly client: Client;
  readonly settings: PublishSettings;
  readonly planRetryLimit: PlanRetryLimit;
}

/**
 * Makes QStash's schedules equal to the registry's, and sets how many jobs run at a time. Writes only
 * schedules that differ, and deletes only those of this namespace.
 *
 * @throws JobsError `jobs.provider_unavailable`, `jobs.provider_rejected`
 */
export async function syncQStashSchedules(
  registry: JobRegistry,
  { client, settings, planRetryLimit }: SyncOptions,
): Promise<ScheduleChanges> {
  const { namespace, concurrency } = settings;
  // Applies to waiting messages, too, and removes a limit that is no longer configured.
  await callQStash(() =>
    concurrency === undefined
      ? client.flowControl.unpin(namespace, { parallelism: true })
      : client.flowControl.pin(namespace, { parallelism: concurrency }),
  );
  const prefix = `orbit_${namespace}_`;
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
    scheduleRequest(id, job, retries, settings);
  const created = [...wanted].filter(([id]) => !known.has(id));
  const updated: typeof created = [];
  const turn = createTimeSlices();
  for (const [id, job] of wanted) {
    await turn();
    const current = known.get(id);
    if (!current) continue;
    // Fewer retries than wanted are no difference: the plan allows no more.
    const request = scheduleOf(id, job, Math.min(current.retries, WANTED_RETRIES));
    if (!isSame(current, request)) updated.push([id, job]);
  }
  const deleted = [...known.keys()].filter((id) => !wanted.has(id));
  for (const [id, job] of [...created, ...updated]) {
    await callQStash(() =>
      planRetryLimit((retries) => client.schedules.create(scheduleOf(id, job, retries))),
    );
  }
  for (const id of deleted) await callQStash(() => client.schedules.delete(id));
  const ids = (entries: typeof created) => entries.map(([id]) => id);
  return { created: ids(created), updated: ids(updated), deleted };
}

type ScheduleRequest = Parameters<Client["schedules"]["create"]>[0] & {
  readonly scheduleId: string;
  readonly body: string;
};

function scheduleRequest(
  scheduleId: string,
  job: JobDefinition,
  retries: number,
  { callbackUrl, namespace, concurrency }: PublishSettings,
): ScheduleRequest {
  if (!job.schedule) throw new Error(`The job "${job.name}" has no schedule.`);
  const { cron, timezone, payload, backfill } = job.schedule;
  return {
    scheduleId,
    cron: timezone === "UTC" ? cron : `CRON_TZ=${timezone} ${cron}`,
    destination: scheduleUrl(callbackUrl, job, retries, backfill),
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(payload),
    retries,
    retryDelay: retryDelay(0, retries),
    ...(concurrency !== undefined && { flowControl: { key: namespace, parallelism: concurrency } }),
  };
}

function isSame(current: Schedule, wanted: ScheduleRequest): boolean {
  return (
    current.cron === wanted.cron &&
    current.destination === wanted.destination &&
    current.body === wanted.body &&
    current.retries === wanted.retries &&
    current.retryDelayExpression === wanted.retryDelay &&
    (current.flowControlKey ?? "") === (wanted.flowControl?.key ?? "") &&
    current.parallelism === wanted.flowControl?.parallelism
  );
}
