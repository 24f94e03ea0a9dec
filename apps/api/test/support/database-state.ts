import type { TestDatabase } from "./database.ts";

/** A digest of every row of every table. Two equal digests mean that nothing changed. */
export async function databaseState({ pool }: TestDatabase): Promise<Record<string, string>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const state: Record<string, string> = {};
  for (const { name } of tables) {
    const { rows } = await pool.query<{ digest: string | null }>(
      `select md5(string_agg(t::text, ',' order by t::text)) as digest from ${name} t`,
    );
    state[name] = rows[0]?.digest ?? "empty";
  }
  return state;
}
