import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { openPool } from "#src/infrastructure/database.ts";
import { createDrizzleUnitOfWork } from "#src/infrastructure/drizzle-unit-of-work.ts";
import { processOnce } from "#src/jobs/application/ledger.ts";
import { assembleParts } from "#src/jobs/application/create-jobs.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import type { JobProvider, TransactionJobs } from "#src/jobs/application/job-provider.ts";
import { sqlLedger } from "#src/jobs/infrastructure/sql/ledger.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import { createMemoryStore, memory } from "#src/jobs/infrastructure/memory/memory-provider.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import type { UnitOfWork } from "#src/kernel/unit-of-work.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { openKillPoint } from "../support/kill-point.ts";
import { allRepositories, unprojectedEvents } from "../support/repositories.ts";
import { silentLog } from "../support/silent-log.ts";

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await database.pool.query("create table effects (effect text primary key)");
});
afterEach(() => database.drop());

const definitions = [contractJob("contract.work", async () => undefined)];
const withoutJobs: TransactionJobs = {
  enqueue: () => Promise.reject(new Error("this transaction enqueues nothing")),
  add: () => Promise.reject(new Error("this transaction enqueues nothing")),
  enqueueMany: () => Promise.reject(new Error("this transaction enqueues nothing")),
  ended: () => undefined,
  committed: async () => undefined,
};
const ENDED = { code: "jobs.transaction_ended" };
const failure = new Error("the write failed");

interface Made {
  readonly uow: UnitOfWork;
  /** The executor of the latest transaction. */
  readonly sql: () => SqlExecutor;
}

function unitOfWork(pool: Pool, jobsIn: (sql: SqlExecutor) => TransactionJobs): Made {
  let sql: SqlExecutor = { query: () => Promise.reject(new Error("no transaction has begun")) };
  const uow = createDrizzleUnitOfWork(pool, allRepositories, (executor, { domainEvents }) => {
    sql = executor;
    const jobs = jobsIn(executor);
    const events = unprojectedEvents({ domainEvents, jobs });
    return { jobs, processed: sqlLedger(executor), events };
  });
  return { uow, sql: () => sql };
}

const partsOf = (provider: JobProvider) =>
  assembleParts(provider, definitions, { log: silentLog }).parts;

const onGraphile = () =>
  unitOfWork(database.pool, partsOf(graphile({ databaseUrl: database.url })).in);

async function jobCount(): Promise<number> {
  const { rows } = await database.pool.query("select from graphile_worker._private_jobs");
  return rows.length;
}

test("a transaction that Postgres aborted rejects and records nothing", async () => {
  const { uow, sql } = onGraphile();
  const effect = async () => {
    await sql().query("insert into effects values ('one')", []);
    await sql()
      .query("select 1 / 0", [])
      .catch(() => undefined);
  };
  const working = uow.run(async (tx) => {
    await tx.events.record({ type: "workspace.created", data: { workspaceId: "1" } });
    await effect();
    return "stored";
  });
  await expect(working).rejects.toThrow(/caught the error of a statement.*rolled back/);
  await expect(processOnce(uow, "consumer", "event", effect)).rejects.toThrow(/rolled back/);
  expect((await database.pool.query("select from domain_events")).rows).toEqual([]);
  expect((await database.pool.query("select from effects")).rows).toEqual([]);
});

test("an enqueue after the rollback of its transaction is refused", async () => {
  const { uow } = onGraphile();
  const late: Promise<unknown>[] = [];
  const working = uow.run(async (tx) => {
    late.push(
      sleep(20).then(() => tx.jobs.enqueue("contract.work", 1)),
      sleep(20).then(() => tx.processed.once("consumer", "event")),
    );
    throw failure;
  });
  await expect(working).rejects.toBe(failure);
  const refused = { status: "rejected", reason: ENDED };
  expect(await Promise.allSettled(late)).toMatchObject([refused, refused]);
  expect(await jobCount()).toBe(0);
  expect((await database.pool.query("select from orbit_jobs.processed")).rows).toEqual([]);
});

test("a sent statement is part of its transaction, awaited or not", async () => {
  const { uow, sql } = onGraphile();
  const send = (effect: string) => {
    void sql().query("select pg_sleep(0.05)", []);
    void sql().query("insert into effects values ($1)", [effect]);
  };
  await uow.run(async () => send("committed"));
  const working = uow.run(async () => {
    send("rolled back");
    throw failure;
  });
  await expect(working).rejects.toBe(failure);
  const { rows } = await database.pool.query("select effect from effects");
  expect(rows).toEqual([{ effect: "committed" }]);
});

test("the memory provider refuses an enqueue after the end of its transaction", async () => {
  const store = createMemoryStore();
  const { uow } = unitOfWork(database.pool, partsOf(memory({ store })).in);
  const endLate = async (end: () => Promise<void>) => {
    let late: Promise<unknown> | undefined;
    const working = uow.run(async (tx) => {
      await tx.jobs.enqueue("contract.work", "in time");
      late = sleep(50).then(() => tx.jobs.enqueue("contract.work", "late"));
      late.catch(() => undefined);
      await end();
    });
    await Promise.allSettled([working]);
    return late;
  };
  await expect(endLate(async () => undefined)).rejects.toMatchObject(ENDED);
  await expect(endLate(() => Promise.reject(failure))).rejects.toMatchObject(ENDED);
  expect([...store.jobs.values()].map(({ json }) => json)).toEqual(['"in time"']);
});

test.each(["begin", "insert", "commit", "rollback"])(
  "a connection that breaks at %s is replaced in the pool",
  async (statement) => {
    const point = await openKillPoint(database.url);
    onTestFinished(() => point.close());
    const pool = openPool(point.url, silentLog, { connections: 1 });
    onTestFinished(() => pool.end());
    const { uow, sql } = unitOfWork(pool, () => withoutJobs);
    const reached = point.holdAt(statement, "request");
    const refusal = uow
      .run(async () => {
        await sql().query("insert into effects values ('lost')", []);
        if (statement === "rollback") throw failure;
      })
      .catch((error: unknown) => error);
    await reached;
    point.breakHeld();
    expect(await refusal).toMatchObject({ code: "database.unavailable" });
    await uow.run(() => sql().query("insert into effects values ('kept')", []));
    const { rows } = await database.pool.query("select effect from effects");
    expect(rows).toEqual([{ effect: "kept" }]);
  },
);
