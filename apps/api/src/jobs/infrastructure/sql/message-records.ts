import { z } from "zod";
import type { SqlExecutor } from "../../application/ports.ts";

const record = z.object({
  refused: z.number(),
  state: z.enum(["waiting", "begun", "done", "dead"]),
  /** The last attempt that is on record as begun, 0 for none. */
  begunAttempt: z.number(),
  /** Seconds since the record was written last. */
  age: z.number(),
});

export type MessageRecord = z.infer<typeof record>;

/** Longer than QStash retries a message. */
const KEPT = "interval '14 days'";

const PRUNED = `pruned as (
  delete from orbit_jobs.qstash_messages where ctid = any(array(
    select ctid from orbit_jobs.qstash_messages
     where touched_at < now() - ${KEPT} and id <> $1 limit 100 for update skip locked)))`;

/** What is on record of a message; most have nothing. */
export async function findRecord(sql: SqlExecutor, id: string): Promise<MessageRecord | undefined> {
  const { rows } = await sql.query(
    `select refused, state, begun_attempt as "begunAttempt", extract(epoch from now() - touched_at)::float8 as age
       from orbit_jobs.qstash_messages where id = $1`,
    [id],
  );
  return z.array(record).parse(rows)[0];
}

/** One more delivery began no run. */
export async function recordRefusal(sql: SqlExecutor, id: string): Promise<void> {
  await sql.query(
    `with ${PRUNED}
     insert into orbit_jobs.qstash_messages as known (id, refused) values ($1, 1)
     on conflict (id) do update set refused = known.refused + 1`,
    [id],
  );
}

/** `true` for the first who asks for this attempt: a run may begin that must not begin twice. */
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

/** The message has had its day: whatever QStash delivers of it is told so. */
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

/** The message has had its day, and `keep`, with eight parameters, keeps its dead job. */
export async function recordDeath(
  sql: SqlExecutor,
  id: string,
  keep: { readonly text: string; readonly values: readonly unknown[] },
): Promise<void> {
  await sql.query(
    `with kept as (${keep.text})
     insert into orbit_jobs.qstash_messages (id, state) values ($9, 'dead')
     on conflict (id) do update set state = 'dead', touched_at = now()`,
    [...keep.values, id],
  );
}
