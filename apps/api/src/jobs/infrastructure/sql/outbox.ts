import { z } from "zod";
import type { SqlExecutor } from "../../application/ports.ts";
import type { PreparedJob } from "../../application/prepare-enqueue.ts";
import { KEY_DAYS, takeKeysSql } from "./job-keys.ts";
import { epochMs, nullableTexts, optionalInstant, optionalTexts } from "./portable-values.ts";

/** A waiting job of the outbox. The outbox keeps no priority; its key is a digest. */
export interface OutboxJob extends Omit<PreparedJob, "priority"> {
  /** How often publishing it has failed because of the job itself. */
  readonly refusals: number;
}

const rowsSchema = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    version: z.number(),
    json: z.string(),
    maxAttempts: z.number(),
    runAt: optionalInstant,
    jobKey: z
      .string()
      .nullable()
      .transform((text) => text ?? undefined),
    refusals: z.number(),
    position: z.coerce.number(),
  }),
);

/** Writes jobs to the outbox with one statement. */
export async function putIntoOutbox(
  sql: SqlExecutor,
  jobs: readonly Omit<PreparedJob, "priority">[],
): Promise<void> {
  await sql.query(
    `insert into orbit_jobs.job_outbox (id, name, version, payload, max_attempts, run_at, key)
     select * from unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::integer[],
                          ${nullableTexts("$6", "timestamptz")}, ${nullableTexts("$7", "text")})`,
    [
      jobs.map(({ id }) => id),
      jobs.map(({ name }) => name),
      jobs.map(({ version }) => version),
      jobs.map(({ json }) => json),
      jobs.map(({ maxAttempts }) => maxAttempts),
      optionalTexts(jobs.map(({ runAt }) => runAt?.toISOString())),
      optionalTexts(jobs.map(({ jobKey }) => jobKey)),
    ],
  );
}

/** A live publisher renews its claim well before it runs out. After that, another process may claim the jobs. */
const CLAIM_SECONDS = 3;

/** Claims the oldest jobs that no process is publishing; with `ids`, only from among those. */
export async function claimFromOutbox(
  sql: SqlExecutor,
  claim: string,
  limit: number,
  ids?: readonly string[],
): Promise<readonly OutboxJob[]> {
  const { rows } = await sql.query(
    `update orbit_jobs.job_outbox jobs
        set claim = $3::text, claimed_until = now() + ${CLAIM_SECONDS} * interval '1 second'
      where id in (select id from orbit_jobs.job_outbox
                    where claimed_until < now() and ($2::text[] is null or id = any($2::text[]))
                    order by position limit $1::integer for update skip locked)
     returning id, name, version, payload as json, max_attempts as "maxAttempts",
               ${epochMs("run_at")} as "runAt", key as "jobKey", refusals, position`,
    [limit, ids ?? null, claim],
  );
  // In the order of their enqueues, also when they are published in several batches.
  return rowsSchema.parse(rows).toSorted((one, other) => one.position - other.position);
}

/** Prolongs a claim. Leaves out rows that another process has claimed, and postponed rows. */
export async function renewClaim(
  sql: SqlExecutor,
  claim: string,
  ids: readonly string[],
): Promise<void> {
  // Waits for no lock, so it cannot deadlock with the publisher's own statements.
  await sql.query(
    `update orbit_jobs.job_outbox set claimed_until = now() + $3::integer * interval '1 second'
      where id in (select id from orbit_jobs.job_outbox
                    where id = any($1::text[]) and claim = $2::text for update skip locked)`,
    [ids, claim, CLAIM_SECONDS],
  );
}

const settledSchema = z.array(
  z.object({
    id: z.string(),
    /** The id to publish the job under. */
    holder: z.string(),
    /** Whether another job waits with the key, so that there is nothing to publish. */
    absorbed: z.boolean(),
  }),
);

/**
 * Settles the id that each claimed row is published under, and renews the claim. Omits rows that another
 * process has claimed or published.
 *
 * A row takes its key once, in this statement. A second publication must not take the key again: the
 * job's run may have freed it. The key counts as published at once, since the outbox keeps the row
 * until it is.
 */
export async function settleKeys(
  sql: SqlExecutor,
  claim: string,
  ids: readonly string[],
  now: Date,
): Promise<z.infer<typeof settledSchema>> {
  // Of two rows with one key, the first takes it. Locks rows in the same order as takeKeys.
  const source = `select distinct on (name collate "C", key collate "C")
           name, key, id, true, greatest(coalesce(run_at, $4), $4::timestamptz) + ${KEY_DAYS} * interval '1 day'
      from mine where key is not null and holder is null
     order by name collate "C", key collate "C", position`;
  const { rows } = await sql.query(
    `with mine as (
       select id, name, key, position, run_at, holder from orbit_jobs.job_outbox
        where id = any($1::text[]) and claim = $2::text for update
     ), taken as (
       ${takeKeysSql(source)}
       returning name, key, holder, published
     )
     update orbit_jobs.job_outbox jobs set
       claimed_until = now() + $3::integer * interval '1 second',
       holder = coalesce(jobs.holder, taken.holder, jobs.id),
       absorbed = jobs.absorbed or coalesce(
         jobs.holder is null and taken.published and taken.holder <> jobs.id, false)
     from mine left join taken on taken.name = mine.name and taken.key = mine.key
     where jobs.id = mine.id
     returning jobs.id, jobs.holder, jobs.absorbed`,
    [ids, claim, CLAIM_SECONDS, now.toISOString()],
  );
  return settledSchema.parse(rows);
}

export async function removeFromOutbox(sql: SqlExecutor, ids: readonly string[]): Promise<void> {
  await sql.query("delete from orbit_jobs.job_outbox where id = any($1::text[])", [ids]);
}

/** Postpones the next try: longer after each failure, at most five minutes. */
export async function postponeInOutbox(
  sql: SqlExecutor,
  id: string,
  wasRefused: boolean,
): Promise<void> {
  await sql.query(
    `update orbit_jobs.job_outbox
        set failures = failures + 1, refusals = refusals + $2::integer, claim = null,
            claimed_until = now() + least(exp(least(failures + 1, 10)), 300) * interval '1 second'
      where id = $1`,
    [id, wasRefused ? 1 : 0],
  );
}
