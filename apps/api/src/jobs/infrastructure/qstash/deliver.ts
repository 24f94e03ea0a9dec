import { type RunOutcome, runJob } from "../../application/run-job.ts";
import { backOffSeconds } from "./back-off.ts";
import type { Delivery, DeliveryContext, DeliveryResult } from "./delivery.ts";
import { CUT_OFF } from "./intake.ts";
import { freeKey, retakeKey } from "./job-keys.ts";
import { keyExpiry } from "./message-facts.ts";
import { bury, CUT_OFF_ERROR, handOn, isStaleTick, lastWasCutOff } from "./message-ends.ts";
import { findRecord, recordBegin, recordEnd } from "./message-records.ts";

/** From here on a failed message is handed on to a new one: no plan's cap is below. */
const RETRIES_USED = 3;

/** One run of a job, or the reason why there is none. */
export async function deliver(
  delivery: Delivery,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const { definition, facts, retried, recordId, json } = delivery;
  const { sql, clock, log, intake } = context;
  const payload = parseJson(json);
  if (payload === undefined) {
    log.error({ job: definition.name, jobId: facts.id }, "job is dead: its payload is not JSON");
    return bury(delivery, context, facts.tried, new Error("The payload is not JSON."));
  }
  const record = retried > 0 ? await findRecord(sql, recordId) : undefined;
  if (record?.state === "done" || record?.state === "dead") return { status: record.state };
  if (facts.runAt !== undefined && facts.runAt * 1_000 > clock.now().getTime() + 1_000) {
    return handOn(delivery, context, { tried: facts.tried, notBefore: facts.runAt });
  }
  if (await isStaleTick(delivery, context, record)) {
    await recordEnd(sql, recordId, "done");
    return { status: "done" };
  }
  const counted = facts.tried + retried + 1 - (record?.refused ?? 0);
  const attempt = Math.min(counted, facts.maxAttempts);
  if (counted > facts.maxAttempts && record?.state === "begun") {
    return lastWasCutOff(delivery, context, record);
  }
  // What must not run once more than it may is put on record before it begins.
  if (attempt === facts.maxAttempts || facts.backfill !== undefined) {
    await recordBegin(sql, recordId);
  }
  if (facts.key !== undefined) await freeKey(sql, claimOf(delivery, facts.key));
  const run = runJob(definition, {
    jobId: facts.id,
    attempt,
    maxAttempts: facts.maxAttempts,
    payload,
    signal,
    log,
  });
  return conclude(delivery, context, attempt, await intake.unlessCutOff(run));
}

async function conclude(
  delivery: Delivery,
  context: DeliveryContext,
  attempt: number,
  outcome: RunOutcome | typeof CUT_OFF,
): Promise<DeliveryResult> {
  const { definition, facts, recordId, retried } = delivery;
  const { sql, clock, log } = context;
  const isLast = attempt === facts.maxAttempts;
  const isCutOff = outcome === CUT_OFF;
  if (!isCutOff && outcome.status === "succeeded") {
    if (isLast) await recordEnd(sql, recordId, "done");
    return { status: "done" };
  }
  if (isCutOff) {
    const fields = { job: definition.name, jobId: facts.id, attempt };
    log.warn(fields, "the run was cut off: its instance is stopping");
  }
  if (isCutOff ? isLast : outcome.status === "dead") {
    return bury(delivery, context, attempt, isCutOff ? CUT_OFF_ERROR : outcome.error);
  }
  const now = clock.now();
  if (facts.key !== undefined) {
    await retakeKey(sql, {
      ...claimOf(delivery, facts.key),
      expiresAt: keyExpiry(undefined, now),
    });
  }
  const pause = isCutOff ? 1 : backOffSeconds(attempt);
  if (retried >= Math.min(RETRIES_USED, facts.retries)) {
    const notBefore = Math.ceil(now.getTime() / 1_000) + pause;
    return handOn(delivery, context, { tried: attempt, notBefore });
  }
  return { status: isCutOff ? "draining" : "failed", retryAfterSeconds: pause };
}

function claimOf({ definition, facts }: Delivery, key: string) {
  return { name: definition.name, key, holder: facts.id };
}

/** `undefined` is what JSON cannot say. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
