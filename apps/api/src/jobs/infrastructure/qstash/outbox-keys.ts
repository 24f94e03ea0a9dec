import { z } from "zod";
import type { SqlExecutor } from "../../application/ports.ts";

const rowsSchema = z.array(
  z.object({
    id: z.string(),
    /** The id to be published under. */
    holder: z.string(),
    /** Another job waits with the key: there is nothing to publish. */
    absorbed: z.boolean(),
  }),
);

/** A message that QStash gave up on must not hold a key for ever; it retries for less than this. */
const KEY_TTL = "interval '7 days'";

/**
 * Settles under which id each row is published, and renews the claim; rows that somebody else has
 * claimed or published meanwhile are not in the answer. A row takes its key the first time, in the same
 * statement: whoever publishes it again must not take a key that its run has freed by then. The key
 * counts as published at once, since a row of the outbox is not forgotten.
 */
export async function settleOutboxKeys(
  sql: SqlExecutor,
  claim: string,
  ids: readonly string[],
  { claimSeconds, now }: { readonly claimSeconds: number; readonly now: Date },
): Promise<z.infer<typeof rowsSchema>> {
  const { rows } = await sql.query(
    `with mine as (
       select id, name, key, position, run_at, holder from orbit_jobs.job_outbox
        where id = any($1::text[]) and claim = $2::text for update
     ), taken as (
       insert into orbit_jobs.job_keys as held (name, key, holder, published, expires_at)
       select distinct on (name collate "C", key collate "C")
              name, key, id, true, greatest(coalesce(run_at, $4), $4::timestamptz) + ${KEY_TTL}
         from mine where key is not null and holder is null
        order by name collate "C", key collate "C", position
       on conflict (name, key) do update set
         holder = case when held.expires_at < now() then excluded.holder else held.holder end,
         published = held.published or held.expires_at < now(),
         expires_at = case when held.published and held.expires_at >= now() then held.expires_at
                           else excluded.expires_at end
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
    [ids, claim, claimSeconds, now.toISOString()],
  );
  return rowsSchema.parse(rows);
}

/** The job is dead before QStash had it: its key is free. */
export async function freeOutboxKey(sql: SqlExecutor, name: string, holder: string): Promise<void> {
  await sql.query("delete from orbit_jobs.job_keys where name = $1 and holder = $2", [
    name,
    holder,
  ]);
}
