import type { PreparedJob } from "../../application/prepare-enqueue.ts";

// A job's metadata travels in the query of its message's URL: QStash signs the URL, but no headers. The
// names on the wire are fixed, since waiting messages and schedules carry them.

/**
 * One message to QStash. A job is a chain of messages if its attempts or its delay exceed the plan's
 * limits. Throughout this adapter `jobKey` is the key's digest. QStash knows no priority.
 */
export interface QStashMessage extends Omit<PreparedJob, "priority"> {
  /** Attempts that earlier messages of the job made. */
  readonly previousAttempts: number;
  /** The position in the chain, from 0. Makes the deduplication id of each message unique. */
  readonly messageIndex: number;
}

/** A message as QStash delivers it. */
export interface DeliveredMessage extends QStashMessage {
  /** How often QStash retries this message. */
  readonly retries: number;
  /** The backfill of the schedule that made the message, in milliseconds. */
  readonly backfill: number | undefined;
}

/** QStash's own default, for messages that someone else published. */
const DEFAULT_RETRIES = 3;

/** Where QStash delivers jobs of this name. */
export function destinationOf(callbackUrl: string, name: string): string {
  return `${callbackUrl}/v1/jobs/run/${encodeURIComponent(name)}`;
}

/**
 * The URL of a message, with its metadata.
 *
 * @param runAt the job's own time in Unix seconds, if it is later than the message can wait
 */
export function messageUrl(
  callbackUrl: string,
  message: QStashMessage,
  retries: number,
  runAt?: number,
): string {
  return withQuery(destinationOf(callbackUrl, message.name), {
    id: message.id,
    maxAttempts: message.maxAttempts,
    tried: message.previousAttempts,
    hop: message.messageIndex,
    version: versionOnWire(message.version),
    key: message.jobKey,
    retries,
    runAt,
  });
}

/** The URL of a schedule. QStash's own message id becomes the id of each tick's job. */
export function scheduleUrl(
  callbackUrl: string,
  job: Pick<QStashMessage, "name" | "maxAttempts" | "version">,
  retries: number,
  backfill: number,
): string {
  return withQuery(destinationOf(callbackUrl, job.name), {
    maxAttempts: job.maxAttempts,
    retries,
    backfill,
    version: versionOnWire(job.version),
  });
}

/** Reads a delivered message. Its URL must be verified. */
export function readMessage(
  delivery: { readonly name: string; readonly search: string; readonly json: string },
  qstashId: string,
  defaultMaxAttempts: number,
): DeliveredMessage {
  const query = new URLSearchParams(delivery.search);
  const number = (name: string) => {
    const text = query.get(name);
    return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const runAt = number("runAt");
  return {
    id: query.get("id") ?? qstashId,
    name: delivery.name,
    version: number("version") ?? 1,
    json: delivery.json,
    runAt: runAt === undefined ? undefined : new Date(runAt * 1_000),
    jobKey: query.get("key") ?? undefined,
    maxAttempts: number("maxAttempts") ?? defaultMaxAttempts,
    previousAttempts: number("tried") ?? 0,
    messageIndex: number("hop") ?? 0,
    retries: number("retries") ?? DEFAULT_RETRIES,
    backfill: number("backfill"),
  };
}

function versionOnWire(version: number): number | undefined {
  return version === 1 ? undefined : version;
}

function withQuery(
  url: string,
  values: Readonly<Record<string, string | number | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return `${url}?${query.toString()}`;
}
