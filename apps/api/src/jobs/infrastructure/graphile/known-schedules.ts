import type { ParsedCronItem } from "graphile-worker";
import type { SqlExecutor } from "../../application/ports.ts";

/**
 * graphile-worker remembers a schedule for ever: one that was gone and is back would make up the ticks
 * of the time between. What ticked a moment ago is kept: an instance of another version may be about
 * to make the same tick, and this row tells it that it was made.
 */
export async function forgetOtherSchedules(
  sql: SqlExecutor,
  items: readonly ParsedCronItem[],
): Promise<void> {
  await sql.query(
    `delete from graphile_worker._private_known_crontabs
      where identifier <> all ($1::text[])
        and coalesce(last_execution, known_since) < now() - interval '5 seconds'`,
    [items.map(({ identifier }) => identifier)],
  );
}
