import { type RunOutcome, runJob } from "../../application/run-job.ts";
import { within } from "../../application/within.ts";
import { backOffSeconds, refusalSeconds } from "./back-off.ts";
import type { Delivery, DeliveryContext, DeliveryResult } from "./delivery.ts";
import { CUT_OFF } from "./intake.ts";
import { freeKey, retakeKey } from "./job-keys.ts";
import { keyExpiry } from "./message-facts.ts";
import {
  bury,
  CUT_OFF_ERROR,
  handOn,
  isStaleTick,
  lastHasBegun,
  noteDone,
  noteRefusal,
} from "./message-ends.ts";
import { findRecord, recordBegin, recordEnd } from "./message-records.ts";

/** From here on a failed message is handed on: every plan retries three times, and one is to spare. */
const RETRIES_USED = 2;

/** What is known of a message is soon found, or this instance has no database now. */
const RECORD_PATIENCE_MS = 1_000;

/** One run of a job, or the reason why there is none. */
export async function deliver(
  delivery: Delivery,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const { definition, facts, qstashId, json } = delivery;
  const { sql, log, intake } = context;
  const payload = parseJson(json);
  if (payload === undefined) {
    log.error({ job: definition.name, jobId: facts.id }, "job is dead: its payload is not JSON");
    return bury(delivery, context, facts.tried, new Error("The payload is not JSON."));
  }
  let begun: number | DeliveryResult;
  try {
    begun = await begin(delivery, context);
  } catch (err) {
    // Whatever failed, no run has begun: this is no attempt, if that can be noted.
    log.warn({ err, job: definition.name, jobId: facts.id }, "a run could not begin");
    await noteRefusal(sql, qstashId);
    const { retried } = delivery;
    return { status: "draining", retryAfterSeconds: refusalSeconds(retried, facts.retries) };
  }
  if (typeof begun !== "number") return begun;
  const run = runJob(definition, {
    jobId: facts.id,
    attempt: begun,
    maxAttempts: facts.maxAttempts,
    payload,
    version: facts.version ?? 1,
    signal,
    log,
  });
  return conclude(delivery, context, begun, await intake.unlessCutOff(run));
}

/** The attempt that begins, or what the message comes to without a run. */
async function begin(
  delivery: Delivery,
  context: DeliveryContext,
): Promise<number | DeliveryResult> {
  const { facts, retried, qstashId } = delivery;
  const { sql, clock } = context;
  const record =
    retried > 0
      ? await within(RECORD_PATIENCE_MS, findRecord(sql, qstashId), () => {
          throw new Error(`the database did not answer within ${RECORD_PATIENCE_MS} ms`);
        })
      : undefined;
  if (record?.state === "done" || record?.state === "dead") return { status: record.state };
  if (facts.runAt !== undefined && facts.runAt * 1_000 > clock.now().getTime() + 1_000) {
    return handOn(delivery, context, { tried: facts.tried, notBefore: facts.runAt });
  }
  if (await isStaleTick(delivery, context, record)) {
    await recordEnd(sql, qstashId, "done");
    return { status: "done" };
  }
  const counted = Math.max(1, retried + 1 - (record?.refused ?? 0));
  // A refusal that is noted late makes no attempt of an earlier one that is on record.
  const reached = Math.max(facts.tried + counted, record?.begunAttempt ?? 0);
  const attempt = Math.min(reached, facts.maxAttempts);
  const isLast = attempt === facts.maxAttempts;
  if (facts.key !== undefined) await freeKey(sql, claimOf(delivery, facts.key));
  // What must not run once more than it may is put on record before it begins.
  if (isLast || facts.backfill !== undefined) {
    const isFirst = await recordBegin(sql, qstashId, attempt);
    if (isLast && !isFirst) return lastHasBegun(delivery, context);
  }
  return attempt;
}

async function conclude(
  delivery: Delivery,
  context: DeliveryContext,
  attempt: number,
  outcome: RunOutcome | typeof CUT_OFF,
): Promise<DeliveryResult> {
  const { definition, facts, qstashId, retried } = delivery;
  const { sql, clock, log } = context;
  const isLast = attempt === facts.maxAttempts;
  const isCutOff = outcome === CUT_OFF;
  if (!isCutOff && outcome.status === "succeeded") {
    // So that an earlier run of it that ends late knows.
    if (isLast || retried > 0 || facts.key !== undefined) await noteDone(delivery, context);
    return { status: "done" };
  }
  if (isCutOff) {
    const fields = { job: definition.name, jobId: facts.id, attempt };
    log.warn(fields, "the run was cut off: its instance is stopping");
  }
  if (isCutOff ? isLast : outcome.status === "dead") {
    return bury(delivery, context, attempt, isCutOff ? CUT_OFF_ERROR : outcome.error);
  }
  const handsOn = retried >= Math.min(RETRIES_USED, facts.retries);
  if (handsOn || facts.key !== undefined) {
    // This run may have outlived its connection, and another have finished the job.
    const latest = await findRecord(sql, qstashId);
    if (latest?.state === "done" || latest?.state === "dead") return { status: latest.state };
  }
  const now = clock.now();
  if (facts.key !== undefined) {
    await retakeKey(sql, {
      ...claimOf(delivery, facts.key),
      expiresAt: keyExpiry(undefined, now),
    });
  }
  const pause = isCutOff ? 1 : backOffSeconds(attempt);
  if (handsOn) {
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
