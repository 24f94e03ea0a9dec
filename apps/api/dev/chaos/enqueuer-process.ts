import { setTimeout as delay } from "node:timers/promises";
import { seeded } from "../../test/support/seeded.ts";
import { type Enqueue, orbitEnqueue, rawEnqueue } from "./enqueue.ts";
import { life, log, ready, setting } from "./process-side.ts";
import { JOB_NAME, type Work } from "./work.ts";

// Enqueues jobs at a steady rate. Most jobs commit together with a row in chaos_enqueued. These rows show
// which jobs must run, even if this process is killed.

const TICK_MS = 100;

/** Spreads the enqueues that an outage delayed. */
const MOST_AT_ONCE = 10;

/** Attempts of an enqueue without a transaction. */
const TRIES = 5;

const random = seeded(`${setting("CHAOS_SEED")} ${life}`);
const rate = Number(setting("CHAOS_RATE"));
const { pool, transaction, direct }: Enqueue =
  setting("CHAOS_ENGINE") === "raw" ? rawEnqueue() : orbitEnqueue();
const underWay = new Set<Promise<void>>();
const made = { count: 0 };
const stopping = new AbortController();

/** Most jobs take a few milliseconds, some take 100 ms, and a few take seconds. */
function work(prefix = ""): Work {
  const kind = random();
  const ms = kind < 0.78 ? 1 + 9 * random() : kind < 0.95 ? 100 : 1_000 + 2_000 * random();
  const heedsSignal = random() < 0.5;
  return { id: `${prefix}${life}-${++made.count}`, ms, failsFirst: random() < 0.02, heedsSignal };
}

async function enqueueSome(): Promise<void> {
  const kind = random();
  if (kind < 0.05) return rolledBack(work("rolled-back-"));
  if (kind < 0.2) return directly(work("direct-"));
  const works = Array.from({ length: 1 + Math.floor(random() * 3) }, () => work());
  await transaction(async ({ enqueue, sql }) => {
    for (const one of works) {
      await sql.query("insert into chaos_enqueued (id) values ($1)", [one.id]);
      await enqueue(one);
    }
  });
}

/** This job must never run. */
async function rolledBack(one: Work): Promise<void> {
  await transaction(async ({ enqueue }) => {
    await enqueue(one);
    throw new Error("rolled back on purpose");
  });
}

/** Retries an enqueue without an answer. Records the job once the enqueue has succeeded. */
async function directly(one: Work): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await direct(one);
      break;
    } catch (error) {
      if (tries === TRIES) throw error;
      await delay(100 * 2 ** tries);
    }
  }
  await pool.query("insert into chaos_enqueued (id) values ($1)", [one.id]);
}

ready("", async () => {
  stopping.abort();
  await Promise.all(underWay);
  await pool.end();
});
const started = performance.now();
while (!stopping.signal.aborted) {
  await delay(TICK_MS);
  const due = ((performance.now() - started) / 1_000) * rate;
  for (let count = 0; count < MOST_AT_ONCE; count++) {
    if (made.count >= due || underWay.size >= 2 * MOST_AT_ONCE) break;
    const enqueuing = enqueueSome().catch((err: unknown) =>
      log.info({ err, job: JOB_NAME }, "an enqueue failed"),
    );
    underWay.add(enqueuing);
    void enqueuing.finally(() => underWay.delete(enqueuing));
  }
}
