import { z } from "zod";
import type { DeadJob, DeadJobs } from "../../application/dead-jobs.ts";
import type { SqlExecutor } from "../../application/ports.ts";
import { storableStack, storableText } from "../common/storable-text.ts";
import { epochMs, instant } from "./portable-values.ts";
import { isAscii, writeTexts } from "./text-encoding.ts";

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
    diedAt: instant,
  }),
);

const COLUMNS = `id, name, version, payload, attempts, max_attempts as "maxAttempts",
  last_error as "lastError", stack, ${epochMs("died_at")} as "diedAt"`;

/** A dead job without its error. */
export type DyingJob = Omit<DeadJob, "lastError" | "stack" | "diedAt">;

/** Stores a dead job with its error. */
export async function keepDeadJob(sql: SqlExecutor, job: DyingJob, error: unknown): Promise<void> {
  await writeTexts(async (form) => {
    const { text, values } = keepDeadJobStatement(job, error, form);
    await sql.query(text, values);
  });
}

/**
 * The statement of {@link keepDeadJob}, for a larger one. Its parameters are the first eight.
 *
 * @param form see `writeTexts`
 */
export function keepDeadJobStatement(
  job: DyingJob,
  error: unknown,
  form: (text: string) => string,
): { readonly text: string; readonly values: readonly unknown[] } {
  const text = `insert into orbit_jobs.dead_jobs (id, name, version, payload, attempts, max_attempts, last_error, stack, died_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, date_trunc('milliseconds', clock_timestamp()))
     on conflict (id) do update set name = excluded.name, version = excluded.version,
       payload = excluded.payload, attempts = excluded.attempts, max_attempts = excluded.max_attempts,
       last_error = excluded.last_error, stack = excluded.stack, died_at = excluded.died_at`;
  const stack = storableStack(error);
  const values = [
    job.id,
    job.name,
    job.version,
    form(job.payload.replaceAll("\0", "\uFFFD")),
    job.attempts,
    job.maxAttempts,
    form(storableText(error)),
    stack === undefined ? stack : form(stack),
  ];
  return { text, values };
}

/**
 * The dead jobs of a provider that stores them in `orbit_jobs.dead_jobs`.
 *
 * @param sql rejects with errors for callers, see {@link withErrors}
 * @param replay enqueues the job again and deletes its row; returns `false` if the row is gone
 */
export function sqlDeadJobs(
  sql: SqlExecutor,
  replay: (job: DeadJob) => Promise<boolean>,
): DeadJobs {
  return {
    async list(limit, after) {
      if (after && !isId(after.id)) return [];
      const { rows } = await sql.query(
        `select ${COLUMNS} from orbit_jobs.dead_jobs
          where $2::timestamptz is null or (died_at, id) < ($2::timestamptz, $3::text)
          order by died_at desc, id desc limit $1::integer`,
        [limit, after?.diedAt.toISOString() ?? null, after?.id ?? null],
      );
      return rowsSchema.parse(rows);
    },
    async replay(id) {
      if (!isId(id)) return false;
      const { rows } = await sql.query(
        `select ${COLUMNS} from orbit_jobs.dead_jobs where id = $1`,
        [id],
      );
      const [job] = rowsSchema.parse(rows);
      return job ? replay(job) : false;
    },
    remove: async (id) => isId(id) && removeDeadJob(sql, id),
  };
}

/** All ids are ASCII. Postgres may refuse other text, even in a comparison. */
function isId(id: string): boolean {
  return isAscii(id) && !id.includes("\0");
}

/** Converts the database's errors with `onError`. */
export function withErrors(sql: SqlExecutor, onError: (cause: unknown) => never): SqlExecutor {
  return { query: (text, values) => sql.query(text, values).catch(onError) };
}

/** Deletes a dead job. With `diedAt`, only that death: the job may have been replayed and have died again. */
export async function removeDeadJob(sql: SqlExecutor, id: string, diedAt?: Date): Promise<boolean> {
  const { rows } = await sql.query(
    `delete from orbit_jobs.dead_jobs
      where id = $1 and ($2::timestamptz is null or died_at = $2::timestamptz) returning id`,
    [id, diedAt?.toISOString() ?? null],
  );
  return rows.length > 0;
}

/** Deletes jobs that died more than `days` ago, in short statements. Returns how many. */
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

/** A million rows at most. The next call deletes the rest. */
const STEPS = 1_000;

/**
 * Calls `removeSome` until it removes less than a full step. Its statement finds the locked rows by `ctid`:
 * by key, Postgres may read the whole table in each step.
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
