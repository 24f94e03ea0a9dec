import type { JobDefinition } from "../../application/job-definition.ts";
import type { DeliveryResult } from "../../application/job-provider.ts";
import type { JobClock, JobLogger, SqlExecutor } from "../../application/ports.ts";
import { type RunOutcome, runJob, runLogFields } from "../../application/run-job.ts";
import { withTimeout } from "../common/with-timeout.ts";
import { freeKey, keyExpiry, retakeKey } from "../sql/job-keys.ts";
import {
  findRecord,
  type MessageRecord,
  recordBegin,
  recordDeath,
  recordEnd,
  recordRefusal,
} from "../sql/message-records.ts";
import { backOffSeconds, retryLaterSeconds } from "./redelivery-delay.ts";
import { CUT_OFF, type InFlightDeliveries } from "./in-flight-deliveries.ts";
import type { DeliveredMessage } from "./job-metadata.ts";
import type { Publisher } from "./publisher.ts";

// A delivery, from verified request to settled message:
//
//   verified
//     ├─ payload is not JSON ────────────────────────────► dead
//     ├─ message is settled on record ───────────────────► done or dead, as before
//     ├─ runAt is still ahead ───► hand on ──────────────► done
//     ├─ missed tick, too old ───────────────────────────► done
//     ├─ last attempt begun by an earlier delivery ──────► failed until its timeout, then dead
//     ├─ a step before the run fails ────────────────────► retry-later, not counted as an attempt
//     ▼
//   run, with its attempt counted and its key freed
//     ├─ succeeded ──────────────────────────────────────► done
//     ├─ last or permanent failure, last run cut off ────► dead
//     ├─ failed after two retries ─► hand on ────────────► done
//     ├─ failed earlier ─────────────────────────────────► failed
//     └─ cut off by a stopping instance ─────────────────► retry-later, or hand on
//
// The answer tells QStash what to do: "done" and "dead" end the message, the others make QStash deliver
// it again. To "hand on" is to publish the job's next message and to end this one. Most messages have
// no record in the database: QStash's own count of retries suffices until something unusual happens.

/** A verified delivery of a job that this process can run. */
interface Delivery {
  readonly definition: JobDefinition;
  readonly message: DeliveredMessage;
  /** QStash's id of the message, the same in all its deliveries. */
  readonly qstashId: string;
  /** How often QStash has delivered the message before. */
  readonly retried: number;
}

export interface DeliveryPorts {
  readonly publisher: Publisher;
  readonly sql: SqlExecutor;
  readonly clock: JobClock;
  readonly log: JobLogger;
  readonly inFlight: InFlightDeliveries;
  /** When QStash received a message, or `undefined` if it no longer knows. */
  readonly findPublicationTime: (qstashId: string) => Promise<Date | undefined>;
}

interface DeliveryHandler {
  /** Runs the job, or finds out why it must not run. Its signal aborts when the run is cut off. */
  handleDelivery(delivery: Delivery, signal: AbortSignal): Promise<DeliveryResult>;
  /** Keeps a delivery that begins no run from counting as an attempt. Never rejects. */
  recordRefusedDelivery(qstashId: string): Promise<void>;
}

/** A message is handed on after this many retries: every plan allows three, and one is spare. */
const RETRIES_BEFORE_NEXT_MESSAGE = 2;

/** A database that takes longer counts as down, in milliseconds. */
const RECORD_TIMEOUT_MS = 1_000;

const CUT_OFF_ERROR = new Error("The last attempt was cut off: its instance stopped or died.");

export function createDeliveryHandler(ports: DeliveryPorts): DeliveryHandler {
  const { publisher, sql, clock, log, inFlight, findPublicationTime } = ports;

  async function handleDelivery(delivery: Delivery, signal: AbortSignal): Promise<DeliveryResult> {
    const { definition, message, qstashId, retried } = delivery;
    const payload = parseJson(message.json);
    if (payload === undefined) {
      log.error({ ...fieldsOf(delivery), reason: "payload is not JSON" }, "job is dead");
      return settleDead(delivery, message.previousAttempts, new Error("The payload is not JSON."));
    }
    let attempt: number;
    try {
      const record = retried > 0 ? await findRecordSoon(qstashId) : undefined;
      const settled = await settleWithoutRun(delivery, record);
      if (settled) return settled;
      attempt = countAttempt(delivery, record);
      const begunBefore = await beginRun(delivery, attempt);
      if (begunBefore) return begunBefore;
    } catch (err) {
      log.warn({ err, ...fieldsOf(delivery) }, "run could not begin, retry later");
      await recordRefusedDelivery(qstashId);
      const retryAfterSeconds = retryLaterSeconds(retried, message.retries);
      return { status: "retry-later", retryAfterSeconds };
    }
    const run = runJob(definition, {
      jobId: message.id,
      attempt,
      maxAttempts: message.maxAttempts,
      payload,
      version: message.version,
      signal,
      log,
    });
    return settleRun(delivery, attempt, await inFlight.untilCutOff(run));
  }

  async function findRecordSoon(qstashId: string): Promise<MessageRecord | undefined> {
    return withTimeout(RECORD_TIMEOUT_MS, findRecord(sql, qstashId), () => {
      throw new Error(`The database did not answer within ${RECORD_TIMEOUT_MS} ms.`);
    });
  }

  /** Returns the answer to a delivery that must not run its job, or `undefined`. */
  async function settleWithoutRun(
    delivery: Delivery,
    record: MessageRecord | undefined,
  ): Promise<DeliveryResult | undefined> {
    const { message, qstashId } = delivery;
    const settled = settledBefore(record);
    if (settled) return settled;
    const { runAt } = message;
    if (runAt !== undefined && runAt.getTime() > clock.now().getTime() + 1_000) {
      return handOn(delivery, message.previousAttempts, runAt);
    }
    if (await isStaleTick(delivery, record)) {
      await recordEnd(sql, qstashId, "done");
      return { status: "done" };
    }
    return undefined;
  }

  /** Whether the message is a tick that is too old to make up. */
  async function isStaleTick(
    { definition, message, retried, qstashId }: Delivery,
    record: MessageRecord | undefined,
  ): Promise<boolean> {
    const { backfill } = message;
    if (backfill === undefined) return false;
    if (!definition.schedule) {
      log.info({ job: definition.name }, "tick dropped: the job has no schedule any more");
      return true;
    }
    const hasBegun = record && record.state !== "waiting";
    if (retried === 0 || hasBegun) return false;
    const tick = await findPublicationTime(qstashId);
    if (!tick || clock.now().getTime() - tick.getTime() <= backfill) return false;
    log.info({ job: definition.name, tick }, "tick dropped: older than its backfill");
    return true;
  }

  /**
   * Frees the key and records what must not run twice. If an earlier delivery has begun the last
   * attempt, returns the answer instead.
   */
  async function beginRun(
    delivery: Delivery,
    attempt: number,
  ): Promise<DeliveryResult | undefined> {
    const { message, qstashId } = delivery;
    const isLast = attempt === message.maxAttempts;
    if (message.jobKey !== undefined) await freeKey(sql, keyOf(message, message.jobKey));
    if (!isLast && message.backfill === undefined) return undefined;
    const isFirst = await recordBegin(sql, qstashId, attempt);
    return isLast && !isFirst ? settleBegunLastAttempt(delivery) : undefined;
  }

  /** Waits for the earlier run of the last attempt until its timeout. Then the job is dead. */
  async function settleBegunLastAttempt(delivery: Delivery): Promise<DeliveryResult> {
    const { definition, message, qstashId } = delivery;
    const record = await findRecord(sql, qstashId);
    const settled = settledBefore(record);
    if (settled) return settled;
    const secondsLeft = Math.ceil(definition.timeout / 1_000 - (record?.age ?? 0));
    if (secondsLeft > 0) return { status: "failed", retryAfterSeconds: secondsLeft };
    log.error({ ...fieldsOf(delivery), reason: "cut off" }, "job is dead");
    return settleDead(delivery, message.maxAttempts, CUT_OFF_ERROR);
  }

  /** Settles the message by the outcome of its run, or makes QStash deliver it again. */
  async function settleRun(
    delivery: Delivery,
    attempt: number,
    outcome: RunOutcome | typeof CUT_OFF,
  ): Promise<DeliveryResult> {
    const { message, qstashId, retried } = delivery;
    const isLast = attempt === message.maxAttempts;
    const isCutOff = outcome === CUT_OFF;
    if (!isCutOff && outcome.status === "succeeded") {
      // An earlier run of the message may still be going on. It reads this record at its end.
      if (isLast || retried > 0 || message.jobKey !== undefined) await recordDone(delivery);
      return { status: "done" };
    }
    if (isCutOff) log.warn({ ...fieldsOf(delivery), attempt }, "run cut off, instance is stopping");
    if (isCutOff ? isLast : outcome.status === "dead") {
      return settleDead(delivery, attempt, isCutOff ? CUT_OFF_ERROR : outcome.error);
    }
    const handsOn = retried >= Math.min(RETRIES_BEFORE_NEXT_MESSAGE, message.retries);
    if (handsOn || message.jobKey !== undefined) {
      // If QStash lost this run's connection, another run may have settled the message.
      const settled = settledBefore(await findRecord(sql, qstashId));
      if (settled) return settled;
    }
    const now = clock.now();
    if (message.jobKey !== undefined) {
      const expiresAt = keyExpiry(undefined, now);
      await retakeKey(sql, { ...keyOf(message, message.jobKey), expiresAt });
    }
    const pause = isCutOff ? 1 : backOffSeconds(attempt);
    if (handsOn) {
      const nextSecond = Math.ceil(now.getTime() / 1_000);
      return handOn(delivery, attempt, new Date((nextSecond + pause) * 1_000));
    }
    return { status: isCutOff ? "retry-later" : "failed", retryAfterSeconds: pause };
  }

  /** Publishes the job's next message and ends this one, even if QStash does not get the answer. */
  async function handOn(
    delivery: Delivery,
    previousAttempts: number,
    runAt: Date,
  ): Promise<DeliveryResult> {
    const { message } = delivery;
    const messageIndex = message.messageIndex + 1;
    // The URL of the next message has no backfill: that is for ticks whose run has not begun.
    const next = { ...message, runAt, previousAttempts, messageIndex };
    await publisher.publish([next], clock.now());
    await recordDone(delivery);
    return { status: "done" };
  }

  /** Keeps the dead job with its error. */
  async function settleDead(
    { message, qstashId }: Delivery,
    attempts: number,
    error: unknown,
  ): Promise<DeliveryResult> {
    const { id, name, version, json: payload, maxAttempts } = message;
    const job = { id, name, version, payload, attempts, maxAttempts };
    // One statement: a job whose death is kept but not recorded would run again.
    await recordDeath(sql, qstashId, job, error);
    return { status: "dead" };
  }

  /** If this fails, the answer still ends the message. */
  async function recordDone(delivery: Delivery): Promise<void> {
    await recordEnd(sql, delivery.qstashId, "done").catch((err: unknown) => {
      log.warn({ err, ...fieldsOf(delivery) }, "end of run not recorded");
    });
  }

  /** QStash gets its answer soon, even if the database does not. */
  async function recordRefusedDelivery(qstashId: string): Promise<void> {
    const recorded = recordRefusal(sql, qstashId).catch(() => undefined);
    await withTimeout(RECORD_TIMEOUT_MS, recorded, () => undefined);
  }

  return { handleDelivery, recordRefusedDelivery };
}

/** The attempt that this delivery begins. */
function countAttempt({ message, retried }: Delivery, record: MessageRecord | undefined): number {
  const ofThisMessage = Math.max(1, retried + 1 - (record?.refused ?? 0));
  // A refusal that is recorded late must not make the count fall below a recorded attempt.
  const reached = Math.max(message.previousAttempts + ofThisMessage, record?.begunAttempt ?? 0);
  return Math.min(reached, message.maxAttempts);
}

/** The answer to a message that an earlier delivery has settled. */
function settledBefore(record: MessageRecord | undefined): DeliveryResult | undefined {
  return record?.state === "done" || record?.state === "dead"
    ? { status: record.state }
    : undefined;
}

function keyOf({ id, name }: DeliveredMessage, key: string) {
  return { name, key, holder: id };
}

function fieldsOf({ message: { id, name } }: Delivery) {
  return runLogFields(name, id);
}

/** Returns `undefined` for text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
