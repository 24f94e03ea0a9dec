import type { SqlExecutor } from "../../application/ports.ts";
import { z } from "zod";

/** A key as it is stored, and who holds or wants it. */
export interface KeyClaim {
  readonly name: string;
  /** A digest: any string fits. */
  readonly key: string;
  readonly holder: string;
  /** When the key is free whatever became of its holder. */
  readonly expiresAt: Date;
}

const rows = z.array(
  z.object({ name: z.string(), key: z.string(), holder: z.string(), published: z.boolean() }),
);

/**
 * Takes keys that are free. Each answer says who holds the key now. A holder that is not known to be
 * published is to be published by whoever sees it: whose process that was may have died, and all use
 * the same deduplication id.
 */
export async function takeKeys(
  sql: SqlExecutor,
  claims: readonly KeyClaim[],
): Promise<z.infer<typeof rows>> {
  const ordered = claims.toSorted((a, b) => (`${a.name} ${a.key}` < `${b.name} ${b.key}` ? -1 : 1));
  const result = await sql.query(
    `insert into orbit_jobs.job_keys as held (name, key, holder, expires_at)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
     on conflict (name, key) do update set
       holder = case when held.expires_at < now() then excluded.holder else held.holder end,
       published = held.published and held.expires_at >= now(),
       -- Whoever is absorbed does not make a key last that nothing will free.
       expires_at = case when held.published and held.expires_at >= now() then held.expires_at
                         else excluded.expires_at end
     returning name, key, holder, published`,
    columns(ordered),
  );
  return rows.parse(result.rows);
}

/** Notes that QStash has them, and removes keys that expired long ago. */
export async function markPublished(sql: SqlExecutor, claims: readonly KeyClaim[]): Promise<void> {
  await sql.query(
    `with expired as (
       delete from orbit_jobs.job_keys where ctid = any(array(
         select ctid from orbit_jobs.job_keys
          where expires_at < now() - interval '1 day' limit 100 for update skip locked)))
     -- In the order in which others take them, lest two callers wait for each other.
     update orbit_jobs.job_keys set published = true
       from (select held.name, held.key
               from orbit_jobs.job_keys held
               join unnest($1::text[], $2::text[], $3::text[]) as claim (name, key, holder)
                 on held.name = claim.name and held.key = claim.key and held.holder = claim.holder
              order by held.name collate "C", held.key collate "C" for update of held) mine
      where job_keys.name = mine.name and job_keys.key = mine.key`,
    columns(claims).slice(0, 3),
  );
}

/** A run has begun: its key is free. */
export async function freeKey(sql: SqlExecutor, claim: Omit<KeyClaim, "expiresAt">): Promise<void> {
  await sql.query("delete from orbit_jobs.job_keys where name = $1 and key = $2 and holder = $3", [
    claim.name,
    claim.key,
    claim.holder,
  ]);
}

/** A run has failed and will be tried again: its key is taken, unless another job has it by now. */
export async function retakeKey(sql: SqlExecutor, claim: KeyClaim): Promise<void> {
  await sql.query(
    `insert into orbit_jobs.job_keys as held (name, key, holder, published, expires_at)
     values ($1, $2, $3, true, $4)
     on conflict (name, key) do update
       set holder = excluded.holder, published = true, expires_at = excluded.expires_at
     where held.expires_at < now()`,
    [claim.name, claim.key, claim.holder, claim.expiresAt],
  );
}

function columns(claims: readonly KeyClaim[]): unknown[] {
  return [
    claims.map(({ name }) => name),
    claims.map(({ key }) => key),
    claims.map(({ holder }) => holder),
    claims.map(({ expiresAt }) => expiresAt.toISOString()),
  ];
}
