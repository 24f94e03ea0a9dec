import type { Ledger } from "../../application/ledger.ts";
import type { SqlExecutor } from "../../application/ports.ts";
import { pruneInSteps } from "./dead-jobs.ts";

const CONSUMER_LIMIT = 200;
const EVENT_LIMIT = 500;

/** The ledger inside a transaction, whose statements `sql` runs. */
export function sqlLedger(sql: SqlExecutor): Ledger {
  return {
    async once(consumer, eventId) {
      check("consumer", consumer, CONSUMER_LIMIT);
      check("eventId", eventId, EVENT_LIMIT);
      const { rows } = await sql.query(
        `insert into orbit_jobs.processed (consumer, event_id) values ($1::text, $2::text)
         on conflict do nothing returning 1`,
        [consumer, eventId],
      );
      return rows.length === 1;
    },
  };
}

/** Deletes entries that are older than `days`, in short statements. Returns how many. */
export async function pruneLedger(sql: SqlExecutor, days: number): Promise<number> {
  return pruneInSteps(async (limit) => {
    const { rows } = await sql.query(
      `delete from orbit_jobs.processed where ctid = any(array(
         select ctid from orbit_jobs.processed
          where processed_at < now() - $1::float8 * interval '1 day'
          order by processed_at limit $2::integer for update skip locked))
       returning 1`,
      [days, limit],
    );
    return rows.length;
  });
}

function check(what: string, text: string, limit: number): void {
  if (text.length >= 1 && text.length <= limit && text.isWellFormed() && !text.includes("\0"))
    return;
  throw new RangeError(
    `${what} must have 1 to ${limit} characters, without U+0000 and lone surrogates`,
  );
}
