import { z } from "zod";
import type { DeadJob, DeadJobs } from "../application/dead-jobs.ts";
import type { SqlExecutor } from "../application/ports.ts";
import { storableStack, storableText } from "../application/storable-text.ts";

const rowsSchema = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    version: z.number(),
    payload: z.string(),
    attempts: z.number(),
    maxAttempts: z.number(),
    lastError: z.string(),
    stack: z
      .string()
      .nullable()
      .transform((text) => text ?? undefined),
    diedAt: z.date(),
  }),
);

const COLUMNS = `id, name, version, payload, attempts, max_attempts as "maxAttempts",
  last_error as "lastError", stack, died_at as "diedAt"`;

/** What is known of a job before it is said of what it died. */
export type DyingJob = Omit<DeadJob, "lastError" | "stack" | "diedAt">;

/** Keeps a job that no further attempt will be made of. */
export async function keepDeadJob(sql: SqlExecutor, job: DyingJob, error: unknown): Promise<void> {
  const { text, values } = keepDeadJobStatement(job, error);
  await sql.query(text, values);
}

/** The same as a part of a greater statement; its parameters are the first eight. */
export function keepDeadJobStatement(
  job: DyingJob,
  error: unknown,
): { readonly text: string; readonly values: readonly unknown[] } {
  const text = `insert into orbit_jobs.dead_jobs (id, name, version, payload, attempts, max_attempts, last_error, stack, died_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, date_trunc('milliseconds', clock_timestamp()))
     on conflict (id) do update set name = excluded.name, version = excluded.version,
       payload = excluded.payload, attempts = excluded.attempts, max_attempts = excluded.max_attempts,
       last_error = excluded.last_error, stack = excluded.stack, died_at = excluded.died_at`;
  const values = [
    job.id,
    job.name,
    job.version,
    job.payload.replaceAll("\0", "\uFFFD"),
    job.attempts,
    job.maxAttempts,
    storableText(error),
    storableStack(error),
  ];
  return { text, values };
}

/**
 * The dead jobs of a provider that keeps them in the module's table.
 *
 * @param sql rejects with the errors that callers are to see
 * @param replay enqueues one again and removes its row; `false` when the row was gone already
 */
export function sqlDeadJobs(
  sql: SqlExecutor,
  replay: (job: DeadJob) => Promise<boolean>,
): DeadJobs {
  return {
    async list(limit, after) {
      const { rows } = await sql.query(
        `select ${COLUMNS} from orbit_jobs.dead_jobs
          where $2::timestamptz is null or (died_at, id) < ($2::timestamptz, $3::text)
          order by died_at desc, id desc limit $1::integer`,
        [limit, after?.diedAt.toISOString() ?? null, after?.id ?? null],
      );
      return rowsSchema.parse(rows);
    },
    async replay(id) {
      if (!isStorable(id)) return false;
      const { rows } = await sql.query(
        `select ${COLUMNS} from orbit_jobs.dead_jobs where id = $1`,
        [id],
      );
      const [job] = rowsSchema.parse(rows);
      return job ? replay(job) : false;
    },
    remove: async (id) => isStorable(id) && removeDeadJob(sql, id),
  };
}

/** Postgres takes no other text, not even to compare. */
function isStorable(id: string): boolean {
  return id.isWellFormed() && !id.includes("\0");
}

/** The same statements; what the database says becomes an error for callers. */
export function withErrors(sql: SqlExecutor, onError: (cause: unknown) => never): SqlExecutor {
  return { query: (text, values) => sql.query(text, values).catch(onError) };
}

/** Of this death, if it is given: the job may have been replayed and have died again meanwhile. */
export async function removeDeadJob(sql: SqlExecutor, id: string, diedAt?: Date): Promise<boolean> {
  const { rows } = await sql.query(
    `delete from orbit_jobs.dead_jobs
      where id = $1 and ($2::timestamptz is null or died_at = $2::timestamptz) returning id`,
    [id, diedAt?.toISOString() ?? null],
  );
  return rows.length > 0;
}

/** Removes those that died more than `days` ago, in steps that lock little; returns how many. */
export async function pruneDeadJobs(sql: SqlExecutor, days: number): Promise<number> {
  return pruneInSteps(async (limit) => {
    const { rows } = await sql.query(
      `delete from orbit_jobs.dead_jobs where ctid = any(array(
         select ctid from orbit_jobs.dead_jobs
          where died_at < now() - $1::float8 * interval '1 day'
          order by died_at limit $2::integer for update skip locked))
       returning 1`,
      [days, limit],
    );
    return rows.length;
  });
}

const STEP = 1_000;

/** A million rows at most: what is left is for the next time. */
const STEPS = 1_000;

/**
 * Calls `removeSome` until it removes fewer than it might. It finds rows by `ctid`, since they are locked
 * by then: by their keys Postgres may read the whole table for each step.
 */
export async function pruneInSteps(
  removeSome: (limit: number) => Promise<number>,
): Promise<number> {
  let removed = 0;
  for (let step = 0; step < STEPS; step++) {
    const count = await removeSome(STEP);
    removed += count;
    if (count < STEP) break;
  }
  return removed;
}
