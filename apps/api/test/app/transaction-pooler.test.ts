import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Database, openPool } from "#src/infrastructure/database.ts";
import { createDrizzleUnitOfWork } from "#src/infrastructure/drizzle-unit-of-work.ts";
import { migrate } from "#src/migrate.ts";
import { assembleParts } from "#src/jobs/application/create-jobs.ts";
import { noop } from "#src/jobs/infrastructure/noop/noop-provider.ts";
import { sqlLedger } from "#src/jobs/infrastructure/sql/ledger.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";
import { allRepositories, unprojectedEvents } from "../support/repositories.ts";
import { silentLog } from "../support/silent-log.ts";

// DATABASE_URL of a serverless deployment usually points to a transaction pooler.

describe.skipIf(!hasPgBouncer)("through PgBouncer in transaction mode", () => {
  let database: TestDatabase;
  let pooler: Awaited<ReturnType<typeof startPgBouncer>>;

  beforeAll(async () => {
    database = await createTestDatabase();
    pooler = await startPgBouncer(database.url, "transaction");
  });
  afterAll(async () => {
    await pooler.stop();
    await database.drop();
  });

  test("instances that migrate at once leave no lock behind", async () => {
    await database.pool.query("drop schema orbit_jobs, drizzle cascade");
    await database.pool.query(
      "drop table workspace_activity, workspace_invites, workspaces, billing_events, billing_subscriptions, domain_events",
    );
    const jobs = {
      provider: noop(),
      maxPayloadBytes: 1,
      shutdownGraceMs: 0,
      deadRetentionDays: 30,
      ledgerRetentionDays: 90,
    };
    const start = () => migrate({ databaseUrl: pooler.url, jobs }, silentLog);
    await Promise.all([start(), start(), start()]);
    // The view covers the whole server, where workers of other tests hold locks.
    const { rows } = await database.pool.query(
      `select * from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())`,
    );
    expect(rows).toEqual([]);
    expect((await database.pool.query("select from workspaces")).rowCount).toBe(0);
  });

  test("time limits apply to a transaction and not to the connection that it shares", async () => {
    const pool = openPool(pooler.url, silentLog, { connections: 1 });
    const limits =
      "select current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle";
    let transaction: Database | undefined;
    const uow = createDrizzleUnitOfWork(
      pool,
      (db) => {
        transaction = db;
        return allRepositories(db);
      },
      (sql, { domainEvents }) => {
        const jobs = assembleParts(noop(), [], { log: silentLog }).parts.in(sql);
        const events = unprojectedEvents({ domainEvents, jobs });
        return { jobs, processed: sqlLedger(sql), events };
      },
    );
    const look = async () => transaction?.execute(limits);
    const limited = { rows: [{ statement: "30s", idle: "1min" }] };
    expect(await uow.run(look)).toMatchObject(limited);
    expect(await uow.read(look)).toMatchObject(limited);
    expect((await pool.query(limits)).rows).toEqual([{ statement: "0", idle: "0" }]);
    await pool.end();
  });
});
