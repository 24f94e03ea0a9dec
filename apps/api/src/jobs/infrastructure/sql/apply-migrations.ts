import type { ProviderObjects } from "../../application/job-provider.ts";
import type { SqlConnection, SqlPool } from "../../application/ports.ts";

/** SQL files that are applied once each, in the order of their names. Files are only ever appended. */
export interface MigrationSet {
  /** Its name in `orbit_jobs.schema_migrations`. */
  readonly name: string;
  /** The folder of files like `0001_initial.sql`. A function, since bundles have no such folder. */
  readonly folder: () => URL;
  /** The schema of the library under the provider, for the placeholder `:ENGINE_SCHEMA`. */
  readonly engineSchema?: string;
  /** How a database made before the first release shows that it has all of `0001_initial.sql`. */
  readonly baseline: {
    /** The table that listed applied versions. */
    readonly table: string;
    readonly versions: number;
    /** A table of this set. It must not exist before the set is applied. */
    readonly sentinel: string;
  };
}

/** Any constant works, as long as every process uses the same. */
const MIGRATION_LOCK = "hashtextextended('orbit_jobs.migrations', 0)";

const INITIAL = "0001_initial";

/** The end of the name of a migration that earlier releases cannot work with. They refuse to start. */
const BREAKING = "_breaking";

/**
 * Applies the files that the database lacks. Safe in many processes at once: the first one applies, and
 * the others wait for it.
 *
 * @throws Error if the database was made by an unfinished earlier version, or has a breaking migration of
 * a later one
 */
export async function applyMigrations(pool: SqlPool, set: MigrationSet): Promise<void> {
  const files = await readMigrations(set);
  const connection = await pool.connect();
  try {
    if ((await pending(connection, set, files)).length === 0) return;
    await connection.query("begin");
    await connection.query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    // Even "if not exists" needs the right to create schemas.
    if (!(await schemaExists(connection))) await connection.query("create schema orbit_jobs");
    await connection.query(
      "create table if not exists orbit_jobs.schema_migrations (migration text primary key, applied_at timestamptz not null default now())",
    );
    await adoptBaseline(connection, set);
    // Another process may have migrated while this one waited for the lock.
    for (const { name, sql } of await pending(connection, set, files)) {
      await connection.query(sql);
      await record(connection, set, name);
    }
    await connection.query("commit");
  } catch (error) {
    await connection.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    connection.release();
  }
}

interface MigrationFile {
  readonly name: string;
  readonly sql: string;
}

/** Reads the folder's files, with the schemas' names in place of their placeholders. */
async function readMigrations({
  folder,
  engineSchema,
}: MigrationSet): Promise<readonly MigrationFile[]> {
  const { readdir, readFile } = await import("node:fs/promises");
  const directory = folder();
  const names = (await readdir(directory)).filter((file) => file.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (file) => {
      const text = await readFile(new URL(file, directory), "utf8");
      const sql = text
        .replaceAll(":ORBIT_JOBS_SCHEMA", "orbit_jobs")
        .replaceAll(":ENGINE_SCHEMA", engineSchema ?? "");
      return { name: file.replace(/\.sql$/, ""), sql };
    }),
  );
}

async function pending(
  connection: SqlConnection,
  { name }: MigrationSet,
  files: readonly MigrationFile[],
): Promise<readonly MigrationFile[]> {
  if (!(await tableExists(connection, "schema_migrations"))) return files;
  const { rows } = await connection.query(
    "select migration from orbit_jobs.schema_migrations where starts_with(migration, $1)",
    [`${name}/`],
  );
  const applied = new Set(rows.map((row) => property(row, "migration")));
  const known = new Set(files.map((file) => `${name}/${file.name}`));
  // Other files of newer releases are fine: processes of two releases share the schema during a deploy.
  for (const migration of applied) {
    if (!known.has(String(migration)) && String(migration).endsWith(BREAKING)) {
      throw new Error(
        `A newer release of Orbit Jobs applied the migration ${String(migration)}, and this release cannot work with it; ` +
          "deploy the newer release.",
      );
    }
  }
  return files.filter((file) => !applied.has(`${name}/${file.name}`));
}

/** Takes over a development database that earlier versions migrated step by step. */
async function adoptBaseline(connection: SqlConnection, set: MigrationSet): Promise<void> {
  const { table, versions, sentinel } = set.baseline;
  const { rows } = await connection.query(
    "select 1 from orbit_jobs.schema_migrations where migration = $1",
    [`${set.name}/${INITIAL}`],
  );
  if (rows.length > 0) return;
  if (await tableExists(connection, table)) {
    const counted = await connection.query(
      `select count(*)::int as count from orbit_jobs.${table}`,
    );
    if (property(counted.rows[0], "count") !== versions) throw unknownState(table);
    await record(connection, set, INITIAL);
    await connection.query(`drop table orbit_jobs.${table}`);
  } else if (await tableExists(connection, sentinel)) {
    throw unknownState(sentinel);
  }
}

async function record(connection: SqlConnection, set: MigrationSet, name: string): Promise<void> {
  await connection.query("insert into orbit_jobs.schema_migrations (migration) values ($1)", [
    `${set.name}/${name}`,
  ]);
}

function unknownState(table: string): Error {
  return new Error(
    `An unfinished version of Orbit Jobs made the table orbit_jobs.${table}. ` +
      "Drop the schema orbit_jobs of this development database and start again.",
  );
}

async function schemaExists(connection: SqlConnection): Promise<boolean> {
  const { rows } = await connection.query(
    "select exists (select from pg_namespace where nspname = 'orbit_jobs') as found",
  );
  return property(rows[0], "found") === true;
}

/** Not by to_regclass: it remembers that the schema is missing, and "create schema" then fails. */
async function tableExists(connection: SqlConnection, table: string): Promise<boolean> {
  const { rows } = await connection.query(
    "select exists (select from pg_tables where schemaname = 'orbit_jobs' and tablename = $1) as found",
    [table],
  );
  return property(rows[0], "found") === true;
}

function property(row: unknown, name: string): unknown {
  return typeof row === "object" && row !== null ? Reflect.get(row, name) : undefined;
}

/** What every provider with these tables uses. */
export const COMMON_OBJECTS: ProviderObjects = {
  schemas: ["orbit_jobs"],
  readOnly: ["orbit_jobs.schema_migrations"],
};

/** Dead jobs and the ledger. */
export const commonMigrations: MigrationSet = {
  name: "common",
  folder: () => new URL("./migrations/common/", import.meta.url),
  baseline: { table: "common_migrations", versions: 1, sentinel: "processed" },
};

/** Keys, message records and the outbox of a provider outside the database. */
export const outboxMigrations: MigrationSet = {
  name: "outbox",
  folder: () => new URL("./migrations/outbox/", import.meta.url),
  baseline: { table: "qstash_migrations", versions: 2, sentinel: "job_outbox" },
};
