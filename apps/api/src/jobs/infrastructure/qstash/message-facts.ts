/**
 * What a message says of its job. It stands in the query of the destination, which QStash signs as a
 * part of the URL; a header would not be signed.
 */
export interface MessageFacts {
  /** The job's own id: the same over all of its messages. */
  readonly id: string;
  readonly maxAttempts: number;
  /** Attempts that were made before this message. */
  readonly tried: number;
  /** Messages that the job had before this one. */
  readonly hop: number;
  /** How often QStash will retry this message. */
  readonly retries: number;
  /** The job's runAt in unix seconds, where it lies beyond what a message can wait. */
  readonly runAt?: number;
  /** The payload's version, from 2 on. */
  readonly version?: number;
  /** The digest of the job's key. */
  readonly key?: string;
  /** Made by a schedule, with this back-fill in milliseconds. */
  readonly backfill?: number;
}

/** A destination without a query was not made by us; QStash retries three times by default. */
const DEFAULT_RETRIES = 3;

/** Where QStash delivers jobs of this name. */
export function destinationOf(callbackUrl: string, name: string): string {
  return `${callbackUrl}/v1/jobs/run/${encodeURIComponent(name)}`;
}

export function withFacts(destination: string, facts: Partial<MessageFacts>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return `${destination}?${query.toString()}`;
}

/** The facts of a verified destination. `messageId` is QStash's own. */
export function readFacts(
  search: string,
  defaultMaxAttempts: number,
  messageId: string,
): MessageFacts {
  const query = new URLSearchParams(search);
  const number = (name: keyof MessageFacts) => {
    const text = query.get(name);
    return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const runAt = number("runAt");
  const backfill = number("backfill");
  const version = number("version");
  const key = query.get("key");
  return {
    id: query.get("id") ?? messageId,
    maxAttempts: number("maxAttempts") ?? defaultMaxAttempts,
    tried: number("tried") ?? 0,
    hop: number("hop") ?? 0,
    retries: number("retries") ?? DEFAULT_RETRIES,
    ...(runAt !== undefined && { runAt }),
    ...(backfill !== undefined && { backfill }),
    ...(version !== undefined && { version }),
    ...(key !== null && { key }),
  };
}

/** A payload's version as a fact: the first needs no word. */
export function versionFact(version: number): Pick<MessageFacts, "version"> {
  return version === 1 ? {} : { version };
}

/** A message that QStash gave up on must not hold a key for ever; it retries for less than this. */
const KEY_DAYS = 7;

/** When the key of a job is free, whatever became of the job. */
export function keyExpiry(runAt: Date | undefined, now: Date): Date {
  const due = runAt !== undefined && runAt > now ? runAt : now;
  return new Date(due.getTime() + KEY_DAYS * 86_400_000);
}
