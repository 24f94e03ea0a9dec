import { z } from "zod";
import type { SqlExecutor } from "../../application/ports.ts";
import { type DyingJob, keepDeadJobStatement } from "./dead-jobs.ts";
import { writeTexts } from "./text-encoding.ts";

const record = z.object({
  /** Deliveries that began no run. */
  refused: z.number(),
  state: z.enum(["waiting", "begun", "done", "dead"]),
  /** The last attempt that was recorded as begun, or 0. */
  begunAttempt: z.number(),
  /** Full seconds since the last change of the state. */
  age: z.number(),
});

/** What the database knows of a message beyond its deliveries. Most messages have no record. */
export type MessageRecord = z.infer<typeof record>;

/** Every write also deletes old records. QStash retries a message for less than two weeks. */
const PRUNED = `pruned as (
  delete from orbit_jobs.qstash_messages where ctid = any(array(
    select ctid from orbit_jobs.qstash_messages
     where touched_at < now() - interval '14 days' and id <> $1 limit 100 for update skip locked)))`;

export async function findRecord(sql: SqlExecutor, id: string): Promise<MessageRecord | undefined> {
  const { rows } = await sql.query(
    `select refused, state, begun_attempt as "begunAttempt", floor(extract(epoch from now() - touched_at))::integer as age
       from orbit_jobs.qstash_messages where id = $1`,
    [id],
  );
  return z.array(record).parse(rows)[0];
}

/** Counts a delivery that began no run. */
export async function recordRefusal(sql: SqlExecutor, id: string): Promise<void> {
  await sql.query(
    `with ${PRUNED}
     insert into orbit_jobs.qstash_messages as known (id, refused) values ($1, 1)
     on conflict (id) do update set refused = known.refused + 1`,
    [id],
  );
}

/** Records that an attempt begins. Returns `true` to exactly one caller per attempt. */
export async function recordBegin(sql: SqlExecutor, id: string, attempt: number): Promise<boolean> {
  const { rows } = await sql.query(
    `with ${PRUNED}
     insert into orbit_jobs.qstash_messages as known (id, state, begun_attempt)
     values ($1, 'begun', $2)
     on conflict (id) do update
       set state = 'begun', begun_attempt = excluded.begun_attempt, touched_at = now()
     where known.state in ('waiting', 'begun') and known.begun_attempt < excluded.begun_attempt
     returning id`,
    [id, attempt],
  );
  return rows.length === 1;
}

/** Records that the message is settled. Later deliveries get the same answer. */
export async function recordEnd(
  sql: SqlExecutor,
  id: string,
  state: "done" | "dead",
): Promise<void> {
  await sql.query(
    `with ${PRUNED}
     insert into orbit_jobs.qstash_messages (id, state) values ($1, $2)
     on conflict (id) do update set state = excluded.state, touched_at = now()`,
    [id, state],
  );
}

/** Records that the message is dead, and keeps its job with its error, in one statement. */
export async function recordDeath(
  sql: SqlExecutor,
  id: string,
  job: DyingJob,
  error: unknown,
): Promise<void> {
  await writeTexts(async (form) => {
    const keep = keepDeadJobStatement(job, error, form);
    await sql.query(
      `with kept as (${keep.text})
       insert into orbit_jobs.qstash_messages (id, state) values ($9, 'dead')
       on conflict (id) do update set state = 'dead', touched_at = now()`,
      [...keep.values, id],
    );
  });
}
