import { readFile } from "node:fs/promises";
import { runMigrations } from "graphile-worker";
import type { Pool } from "pg";

/** The migrations that were squashed before the first release, and the table that listed them. */
const SETS = {
  common: "common_migrations",
  graphile: "migrations",
  qstash: "qstash_migrations",
} as const;

export type UnreleasedSet = keyof typeof SETS;

/** Makes a database as the unreleased code made it. `versions` limits the number of steps. */
export async function createUnreleasedSchema(
  pool: Pool,
  sets: readonly UnreleasedSet[],
  versions = Number.POSITIVE_INFINITY,
): Promise<void> {
  if (sets.includes("graphile")) await runMigrations({ pgPool: pool });
  await pool.query("create schema if not exists orbit_jobs");
  for (const set of sets) {
    const table = SETS[set];
    await pool.query(
      `create table orbit_jobs.${table} (version integer primary key, applied_at timestamptz not null default now())`,
    );
    const text = await readFile(new URL(`unreleased-schema/${set}.sql`, import.meta.url), "utf8");
    const steps = text.split(/^-- version \d+\n/m).slice(1);
    for (const [index, step] of [...steps.entries()].slice(0, versions)) {
      await pool.query(step);
      await pool.query(`insert into orbit_jobs.${table} (version) values ($1)`, [index + 1]);
    }
  }
}
