import { z } from "zod";
import type { SqlPool } from "../../application/ports.ts";
import { describePostgresError, isMissingRight } from "./postgres-errors.ts";

// The rights of a role that is not the owner of the tables. An owner migrates; a role for the running app needs
// to read and write rows only. graphile-worker protects its tables by row-level security without a policy, so
// that such a role would see no jobs, without an error. Hence rights are checked at the start.

/** What a role uses at run time. */
export interface UsedObjects {
  /** Schemas whose tables are read and written, and whose functions are called. */
  readonly schemas: readonly string[];
  /** Tables of other schemas that are read and written, like `public.invites`. */
  readonly tables: readonly string[];
  /** Tables that are only read, also in `schemas`. */
  readonly readOnly: readonly string[];
}

/** One right of a role. */
interface Right {
  /** For example "SELECT, INSERT on table orbit_jobs.dead_jobs". */
  readonly name: string;
  /** The statement that gives it. */
  readonly statement: string;
  readonly isMissing: boolean;
}

/** A role lacks rights. The message names each one with the statement that gives it. */
export class MissingRightsError extends Error {
  override readonly name = "MissingRightsError";
}

/**
 * Migrates, and checks that the pool's role may use what the app uses. Apart from migrations it only reads
 * the catalogue, which every role may do.
 *
 * @throws MissingRightsError
 */
export async function migrateWithRights(
  pool: SqlPool,
  used: UsedObjects,
  migrate: () => Promise<void>,
): Promise<void> {
  try {
    await migrate();
  } catch (cause) {
    if (!isMissingRight(cause)) throw cause;
    // A role that may not even read the versions fails here as well.
    await assertRights(pool, used);
    throw await pendingMigrations(pool, cause);
  }
  await assertRights(pool, used);
}

async function assertRights(pool: SqlPool, used: UsedObjects): Promise<void> {
  const role = await currentRole(pool);
  const missing = (await rightsOf(pool, role, used)).filter(({ isMissing }) => isMissing);
  if (missing.length === 0) return;
  throw new MissingRightsError(
    `the role ${role} lacks ${namesOf(missing)}.\n` +
      `  The owner of the tables can give it these rights:\n${statementsOf(missing)}` +
      `  \`npm run db:migrate -- --grants ${role}\` prints all statements for this role.`,
  );
}

/** The error of a role that can read everything, and may not apply the migrations that are pending. */
async function pendingMigrations(pool: SqlPool, cause: unknown): Promise<MissingRightsError> {
  const { rows } = await pool.query(MIGRATION_RIGHTS);
  const missing = z
    .array(rightRow)
    .parse(rows)
    .filter(({ isMissing }) => isMissing);
  const role = await currentRole(pool);
  const lack =
    missing.length > 0
      ? `the role ${role} lacks ${namesOf(missing)}.\n  Or give it the right:\n${statementsOf(missing)}`
      : `${describePostgresError(cause)}.`;
  const advice = "Run `npm run db:migrate` as the owner of the tables.";
  return new MissingRightsError(`migrations are pending. ${advice} They were refused: ${lack}`, {
    cause,
  });
}

/** A longer list would only repeat the statements below it. */
const NAMES_LIMIT = 5;

function namesOf(rights: readonly Right[]): string {
  const names = rights.slice(0, NAMES_LIMIT).map(({ name }) => name);
  const others = rights.length - names.length;
  return `${names.join("; ")}${others > 0 ? `; and ${others} more rights` : ""}`;
}

function statementsOf(rights: readonly Right[]): string {
  return rights.map(({ statement }) => `    ${statement}\n`).join("");
}

/**
 * The statements that give a role all rights that it needs, for the owner of the tables or a superuser. Run
 * them again after migrations that add tables. They change nothing for rights that the role has.
 */
export async function grantStatements(
  pool: SqlPool,
  role: string,
  used: UsedObjects,
): Promise<readonly string[]> {
  return (await rightsOf(pool, role, used)).map(({ statement }) => statement);
}

const rightRow = z.object({ name: z.string(), statement: z.string(), isMissing: z.boolean() });

async function currentRole(pool: SqlPool): Promise<string> {
  const { rows } = await pool.query("select current_user::text as role");
  return z.tuple([z.object({ role: z.string() })]).parse(rows)[0].role;
}

async function rightsOf(pool: SqlPool, role: string, used: UsedObjects): Promise<readonly Right[]> {
  const { rows } = await pool.query(RIGHTS, [
    role,
    [...used.schemas],
    [...used.tables],
    [...used.readOnly],
  ]);
  return z.array(rightRow).parse(rows);
}

/** What a role needs to apply migrations, apart from owning the tables. */
const MIGRATION_RIGHTS = `
  select format('CREATE on database %I', current_database()) as name,
         format('grant create on database %I to %I;', current_database(), current_user) as statement,
         not has_database_privilege(current_database(), 'CREATE') as "isMissing"
   union all
  select format('CREATE on schema %I', nspname),
         format('grant create on schema %I to %I;', nspname, current_user),
         not has_schema_privilege(oid, 'CREATE')
    from pg_namespace where nspname = 'public'`;

const WRITTEN = "array['SELECT', 'INSERT', 'UPDATE', 'DELETE']";

/** $1 role, $2 schemas, $3 tables, $4 tables that are only read. */
const RIGHTS = `
  with used as (
    select class.oid, class.relowner, class.relrowsecurity, namespace.oid as schema_oid,
           format('%I.%I', nspname, relname) as name,
           case when format('%s.%s', nspname, relname) = any($4::text[])
                then array['SELECT'] else ${WRITTEN} end as privileges
      from pg_class class join pg_namespace namespace on namespace.oid = relnamespace
     where relkind in ('r', 'p')
       and (nspname = any($2::text[])
            or format('%s.%s', nspname, relname) = any($3::text[] || $4::text[]))
  ), guarded as (
    -- Owners, members of the owner and roles with BYPASSRLS see all rows.
    select used.* from used, pg_roles role
     where rolname = $1::name and relrowsecurity and not rolbypassrls and not rolsuper
       and not pg_has_role(role.oid, relowner, 'USAGE')
  ), rights as (
    select 1 as position, nspname as place,
           format('USAGE on schema %I', nspname) as name,
           format('grant usage on schema %I to %I;', nspname, $1::name) as statement,
           not has_schema_privilege($1::name, oid, 'USAGE') as "isMissing"
      from pg_namespace where oid in (select schema_oid from used)
    union all
    select 2, used.name, format('%s on table %s', array_to_string(privileges, ', '), used.name),
           format('grant %s on table %s to %I;', lower(array_to_string(privileges, ', ')), used.name, $1::name),
           exists (select from unnest(privileges) as privilege
                    where not has_table_privilege($1::name, used.oid, privilege))
      from used
    union all
    select 3, signature, format('EXECUTE on function %s', signature),
           format('grant execute on function %s to %I;', signature, $1::name), true
      from (select format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(function.oid)) as signature
              from pg_proc function join pg_namespace namespace on namespace.oid = pronamespace
             where nspname = any($2::text[])
               and not has_function_privilege($1::name, function.oid, 'EXECUTE')) refused
    union all
    select 4, guarded.name, format('a row-level security policy on table %s', guarded.name),
           format('drop policy if exists %1$I on %2$s; create policy %1$I on %2$s to %3$I using (true) with check (true);',
                  left('orbit ' || $1, 63), guarded.name, $1::name),
           not exists (select from pg_policy
                        where polrelid = guarded.oid and polpermissive
                          and (0 = any(polroles)
                               or exists (select from unnest(polroles) as member
                                           where pg_has_role($1::name, member, 'USAGE'))))
      from guarded
  )
  select name, statement, "isMissing" from rights order by position, place`;
