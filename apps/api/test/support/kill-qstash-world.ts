import { createQStashDev } from "@orbit/qstash-dev";
import { eventually } from "#src/jobs/testing/probe.ts";
import { createTestDatabase } from "./database.ts";
import { jumpClock } from "./jump-clock.ts";
import { openKillPoint, type Side } from "./kill-point.ts";
import { qstashParts } from "./kill-qstash.ts";
import { readEffects } from "./ledger-job.ts";
import { messageStates } from "./message-states.ts";
import { startProcess, type TestProcess } from "./process.ts";
import { NOBODY } from "./qstash-options.ts";

/** A connection on which a kill point holds traffic. */
type Line = "database" | "qstash" | "webhook";

/** What a kill point holds, and in which direction. */
export type Held = readonly [line: Line, marker: string, side: Side];

const FIVE_MINUTES = 300;

/** A QStash, a database, and processes of an app that are killed at a given request or answer. */
export async function openKillWorld() {
  const database = await createTestDatabase();
  await readEffects(database.pool);
  const clock = jumpClock();
  const states = messageStates();
  const created: string[] = [];
  const qstash = createQStashDev({
    clock,
    log(line) {
      states.read(line);
      if (line.startsWith("CREATED") && line.includes("contract.work")) created.push(line);
    },
  });
  const qstashUrl = await qstash.start();
  const points = {
    database: await openKillPoint(database.url),
    qstash: await openKillPoint(qstashUrl),
    // Until an instance serves.
    webhook: await openKillPoint(NOBODY),
  };
  const callbackUrl = points.webhook.url;
  const parts = qstashParts({ databaseUrl: database.url, qstashUrl, callbackUrl });
  const victims: TestProcess[] = [];

  return {
    pool: database.pool,
    queue: parts.queue,
    /** The messages of the job that QStash has received. */
    created,
    /** Starts a process and kills it when its traffic reaches the kill point. */
    async killAt(role: string, [line, marker, side]: Held, todo?: () => Promise<void>) {
      const reached = points[line].holdAt(marker, side);
      const victim = startProcess(
        "test/support/kill-qstash-process.ts",
        {
          DATABASE_URL: points.database.url,
          QSTASH_URL: points.qstash.url,
          CALLBACK_URL: callbackUrl,
        },
        [role],
      );
      victims.push(victim);
      if (todo) {
        const [, url = ""] = await victim.waitFor(/serves at (\S+)/);
        points.webhook.redirect(url);
        await todo();
      }
      await Promise.race([reached, victim.exit.then(endedTooEarly(victim))]);
      victim.kill("SIGKILL");
      await victim.exit;
    },
    /** Serves from this process, which has no kill points. */
    async serve(options?: { readonly sweeps: boolean }) {
      points.webhook.redirect(await parts.serve(options));
    },
    /** Lets five minutes pass for QStash and for the outbox. */
    async elapse() {
      await database.pool.query(
        "update orbit_jobs.job_outbox set claimed_until = claimed_until - $1 * interval '1 second'",
        [FIVE_MINUTES],
      );
      clock.jump(FIVE_MINUTES * 1_000);
    },
    async outboxIsEmpty() {
      await eventually("the outbox is empty", async () => {
        const { rows } = await database.pool.query("select from orbit_jobs.job_outbox");
        return rows.length === 0;
      });
    },
    effects: () => readEffects(database.pool),
    async allIsDone() {
      await eventually("all is done", async () => {
        clock.jump(10_000);
        const { rows } = await database.pool.query("select from orbit_jobs.job_outbox");
        return created.length > 0 && states.pending() === 0 && rows.length === 0;
      });
    },
    async close() {
      for (const victim of victims) victim.kill("SIGKILL");
      await Promise.all(victims.map(({ exit }) => exit));
      await parts.close();
      await qstash.close();
      await Promise.all(Object.values(points).map((point) => point.close()));
      await database.drop();
    },
  };
}

/** A process that ended on its own did not reach the kill point. */
function endedTooEarly(victim: TestProcess): () => never {
  return () => {
    throw new Error(`The process ended before it reached the kill point: ${victim.stderr()}`);
  };
}
