import type { SqlExecutor } from "../../application/ports.ts";
import { within } from "../../application/within.ts";
import { keepDeadJobStatement } from "../sql-dead-jobs.ts";
import type { Delivery, DeliveryPorts, DeliveryResult } from "./delivery.ts";
import {
  findRecord,
  type MessageRecord,
  recordDeath,
  recordEnd,
  recordRefusal,
} from "./message-records.ts";

/** The job goes on in a new message; this one is done with, also when its answer is lost. */
export async function handOn(
  delivery: Delivery,
  ports: DeliveryPorts,
  next: { readonly tried: number /** Unix seconds. */; readonly notBefore: number },
): Promise<DeliveryResult> {
  const { definition, facts, json } = delivery;
  // A back-fill is for a tick that nobody has begun.
  const { runAt: _, retries: __, backfill: ___, ...rest } = facts;
  const { tried, notBefore } = next;
  const message = { ...rest, tried, hop: facts.hop + 1 };
  await ports.publisher.publish([{ name: definition.name, json, facts: message, notBefore }]);
  await noteDone(delivery, ports);
  return { status: "done" };
}

/** Keeps the job with its error, and has QStash deliver it no more. */
export async function bury(
  { definition: { name }, facts: { id, maxAttempts, version = 1 }, qstashId, json }: Delivery,
  { sql }: DeliveryPorts,
  attempts: number,
  error: unknown,
): Promise<DeliveryResult> {
  const job = { id, name, version, payload: json, attempts, maxAttempts };
  // In one: else a death that is told and not noted would run once more.
  await recordDeath(sql, qstashId, keepDeadJobStatement(job, error));
  return { status: "dead" };
}

export const CUT_OFF_ERROR = new Error(
  "The last attempt was cut off: its instance was stopped or died.",
);

/** The last attempt is on record. While it may still run its end is waited for. */
export async function lastHasBegun(
  delivery: Delivery,
  ports: DeliveryPorts,
): Promise<DeliveryResult> {
  const { definition, facts, qstashId } = delivery;
  const record = await findRecord(ports.sql, qstashId);
  if (record?.state === "done" || record?.state === "dead") return { status: record.state };
  const left = Math.ceil(definition.timeout / 1_000 - (record?.age ?? 0));
  if (left > 0) return { status: "failed", retryAfterSeconds: left };
  const fields = { job: definition.name, jobId: facts.id, reason: "cut off" };
  ports.log.error(fields, "job is dead: its last attempt was cut off");
  return bury(delivery, ports, facts.maxAttempts, CUT_OFF_ERROR);
}

/** The answer ends the message, also when the note of it cannot be made. */
export async function noteDone(
  { definition, facts, qstashId }: Delivery,
  { sql, log }: DeliveryPorts,
): Promise<void> {
  await recordEnd(sql, qstashId, "done").catch((err: unknown) => {
    log.warn({ err, job: definition.name, jobId: facts.id }, "the end of a run is not on record");
  });
}

const REFUSAL_PATIENCE_MS = 1_000;

/** Whatever becomes of the note: the delivery is for another instance, and soon. */
export async function noteRefusal(sql: SqlExecutor, qstashId: string): Promise<void> {
  const noted = recordRefusal(sql, qstashId).catch(() => undefined);
  await within(REFUSAL_PATIENCE_MS, noted, () => undefined);
}

/** Whether it is a tick that nobody has begun, and too old for its back-fill or of no schedule any more. */
export async function isStaleTick(
  { definition, facts, retried, qstashId }: Delivery,
  { clock, log, publishedAt }: DeliveryPorts,
  record: MessageRecord | undefined,
): Promise<boolean> {
  const { backfill } = facts;
  if (backfill === undefined) return false;
  if (!definition.schedule) {
    log.info({ job: definition.name }, "a tick of a schedule that is no more");
    return true;
  }
  const hasBegun = record && record.state !== "waiting";
  if (retried === 0 || hasBegun) return false;
  const tick = await publishedAt(qstashId);
  if (!tick || clock.now().getTime() - tick.getTime() <= backfill) return false;
  log.info({ job: definition.name, tick }, "a tick was missed and is too old to be made up");
  return true;
}
