import { z } from "zod";
import type { SqlExecutor } from "../../application/ports.ts";

/** A claim of one job on its key. */
export interface KeyClaim {
  readonly name: string;
  /** The key's digest. */
  readonly key: string;
  /** The id of the waiting job. */
  readonly holder: string;
  /** From then on the key is free, even if nothing freed it. */
  readonly expiresAt: Date;
}

/** A message that the provider dropped must not hold its key for ever. QStash retries for a shorter time. */
export const KEY_DAYS = 7;

/** When the key of a job expires. */
export function keyExpiry(runAt: Date | undefined, now: Date): Date {
  const due = runAt !== undefined && runAt > now ? runAt : now;
  return new Date(due.getTime() + KEY_DAYS * 86_400_000);
}

/**
 * The statement that takes keys. A free or expired key gets the new holder, a taken one keeps its own.
 * An absorbed enqueue prolongs only keys whose holder is not published yet: such a holder is published
 * by this caller.
 *
 * @param source a query of name, key, holder, published and expires_at
 */
export function takeKeysSql(source: string): string {
  return `insert into orbit_jobs.job_keys as held (name, key, holder, published, expires_at)
    ${source}
    on conflict (name, key) do update set
      holder = case when held.expires_at < now() then excluded.holder else held.holder end,
      published = case when held.expires_at < now() then excluded.published else held.published end,
      expires_at = case when held.published and held.expires_at >= now() then held.expires_at
                        else excluded.expires_at end`;
}

const holders = z.array(
  z.object({ name: z.string(), key: z.string(), holder: z.string(), published: z.boolean() }),
);

/**
 * Takes the keys that are free, and returns the holder of each key. The caller publishes every holder
 * that is not known to be published: the process that took the key may have died. The deduplication id
 * makes one message of several publications.
 */
export async function takeKeys(
  sql: SqlExecutor,
  claims: readonly KeyClaim[],
): Promise<z.infer<typeof holders>> {
  // All callers lock rows in the same order, to avoid deadlocks.
  const ordered = claims.toSorted((a, b) => (`${a.name} ${a.key}` < `${b.name} ${b.key}` ? -1 : 1));
  const source = `select name, key, holder, false, expires_at
    from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
      as claim (name, key, holder, expires_at)`;
  const { rows } = await sql.query(
    `${takeKeysSql(source)} returning name, key, holder, published`,
    [...columns(ordered), ordered.map(({ expiresAt }) => expiresAt.toISOString())],
  );
  return holders.parse(rows);
}

/** Marks the holders' messages as published. Also deletes keys that expired more than a day ago. */
export async function markPublished(sql: SqlExecutor, claims: readonly KeyClaim[]): Promise<void> {
  await sql.query(
    `with expired as (
       delete from orbit_jobs.job_keys where ctid = any(array(
         select ctid from orbit_jobs.job_keys
          where expires_at < now() - interval '1 day' limit 100 for update skip locked)))
     -- Locks rows in the order of takeKeys, against deadlocks.
     update orbit_jobs.job_keys set published = true
       from (select held.name, held.key
               from orbit_jobs.job_keys held
               join unnest($1::text[], $2::text[], $3::text[]) as claim (name, key, holder)
                 on held.name = claim.name and held.key = claim.key and held.holder = claim.holder
              order by held.name collate "C", held.key collate "C" for update of held) mine
      where job_keys.name = mine.name and job_keys.key = mine.key`,
    columns(claims),
  );
}

/** Frees the key of a run that begins. */
export async function freeKey(sql: SqlExecutor, claim: Omit<KeyClaim, "expiresAt">): Promise<void> {
  await sql.query("delete from orbit_jobs.job_keys where name = $1 and key = $2 and holder = $3", [
    claim.name,
    claim.key,
    claim.holder,
  ]);
}

/** Frees whatever key the job holds. */
export async function freeKeyOf(sql: SqlExecutor, name: string, holder: string): Promise<void> {
  await sql.query("delete from orbit_jobs.job_keys where name = $1 and holder = $2", [
    name,
    holder,
  ]);
}

/** Takes the key again after a failed run, unless another job has taken it. */
export async function retakeKey(sql: SqlExecutor, claim: KeyClaim): Promise<void> {
  const source = "values ($1::text, $2::text, $3::text, true, $4::timestamptz)";
  await sql.query(`${takeKeysSql(source)} where held.expires_at < now()`, [
    claim.name,
    claim.key,
    claim.holder,
    claim.expiresAt.toISOString(),
  ]);
}

function columns(claims: readonly KeyClaim[]): readonly unknown[] {
  return [
    claims.map(({ name }) => name),
    claims.map(({ key }) => key),
    claims.map(({ holder }) => holder),
  ];
}
