import { z } from "zod";
import type { SqlExecutor } from "../../application/ports.ts";
import type { OutgoingJob } from "./publish-jobs.ts";

const rowsSchema = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    version: z.number(),
    json: z.string(),
    maxAttempts: z.number(),
    runAt: z
      .date()
      .nullable()
      .transform((date) => date ?? undefined),
    key: z
      .string()
      .nullable()
      .transform((text) => text ?? undefined),
    failures: z.number(),
    refusals: z.number(),
    position: z.coerce.number(),
  }),
);

/** A job of the outbox, and how often publishing it has failed, or was refused for what it is. */
export type OutboxJob = z.infer<typeof rowsSchema>[number];

/** Puts jobs into the outbox, with one statement in the transaction that `sql` is. */
export async function putIntoOutbox(sql: SqlExecutor, jobs: readonly OutgoingJob[]): Promise<void> {
  await sql.query(
    `insert into orbit_jobs.job_outbox (id, name, version, payload, max_attempts, run_at, key)
     select * from unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::integer[],
                          $6::timestamptz[], $7::text[])`,
    [
      jobs.map(({ id }) => id),
      jobs.map(({ name }) => name),
      jobs.map(({ version }) => version),
      jobs.map(({ json }) => json),
      jobs.map(({ maxAttempts }) => maxAttempts),
      jobs.map(({ runAt }) => runAt?.toISOString() ?? null),
      jobs.map(({ key }) => key ?? null),
    ],
  );
}

/** Longer than a request to QStash may take, before which a claim is renewed: an abandoned one is taken over. */
export const CLAIM_SECONDS = 20;

/** The oldest jobs that nobody publishes, of `ids` if given, for `claim` to publish. */
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
               run_at as "runAt", key, failures, refusals, position`,
    [limit, ids ?? null, claim],
  );
  // In the order of enqueues, also over the batches that they are published in.
  return rowsSchema.parse(rows).toSorted((one, other) => one.position - other.position);
}

export async function removeFromOutbox(sql: SqlExecutor, ids: readonly string[]): Promise<void> {
  await sql.query("delete from orbit_jobs.job_outbox where id = any($1::text[])", [ids]);
}

/** Lets it wait for another try, longer each time, five minutes at most. */
export async function postponeInOutbox(
  sql: SqlExecutor,
  id: string,
  wasRefused: boolean,
): Promise<void> {
  await sql.query(
    `update orbit_jobs.job_outbox
        set failures = failures + 1, refusals = refusals + $2::integer,
            claimed_until = now() + least(exp(least(failures + 1, 10)), 300) * interval '1 second'
      where id = $1`,
    [id, wasRefused ? 1 : 0],
  );
}
