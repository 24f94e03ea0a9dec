import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { runJob } from "#src/jobs/application/run-job.ts";
import { markPublished } from "#src/jobs/infrastructure/sql/job-keys.ts";
import { pruneJob } from "#src/jobs/infrastructure/sql/maintenance.ts";
import {
  recordBegin,
  recordEnd,
  recordRefusal,
} from "#src/jobs/infrastructure/sql/message-records.ts";
import { providerPorts } from "../support/bind-provider.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { silentLog } from "../support/silent-log.ts";

const DEAD_DAYS = 3;
const LEDGER_DAYS = 20;

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  await database.drop();
});

async function fill(table: "dead" | "ledger", rows: number, days: number): Promise<void> {
  const insert = {
    dead: `insert into orbit_jobs.dead_jobs (id, name, payload, attempts, max_attempts, last_error, died_at)
           select gen_random_uuid(), 'contract.work', '1', 1, 1, 'fails', now() - $2::float8 * interval '1 day'
             from generate_series(1, $1)`,
    ledger: `insert into orbit_jobs.processed (consumer, event_id, processed_at)
             select 'test', gen_random_uuid(), now() - $2::float8 * interval '1 day'
               from generate_series(1, $1)`,
  };
  await database.pool.query(insert[table], [rows, days]);
}

async function count(table: string): Promise<number> {
  const { rows } = await database.pool.query(`select from orbit_jobs.${table}`);
  return rows.length;
}

/** Runs the scheduled job once. Returns how many rows each of its statements removed. */
async function prune(): Promise<readonly number[]> {
  const removed: number[] = [];
  const sql: SqlExecutor = {
    async query(text, values) {
      const result = await database.pool.query(text, [...values]);
      removed.push(result.rows.length);
      return result;
    },
  };
  const settings = { deadRetentionDays: DEAD_DAYS, ledgerRetentionDays: LEDGER_DAYS };
  const job = pruneJob(providerPorts({ sql, settings }));
  const { signal } = new AbortController();
  const facts = { jobId: "1", attempt: 1, maxAttempts: 1, version: 1, signal, log: silentLog };
  expect(await runJob(job, { ...facts, payload: job.schedule?.payload })).toEqual({
    status: "succeeded",
  });
  return removed;
}

describe("jobs.prune", () => {
  test("removes dead jobs and ledger entries that are older than their retention, and no others", async () => {
    await fill("dead", 5, DEAD_DAYS + 0.01);
    await fill("dead", 3, DEAD_DAYS - 0.01);
    await fill("ledger", 7, LEDGER_DAYS + 0.01);
    await fill("ledger", 4, LEDGER_DAYS - 0.01);
    await prune();
    expect([await count("dead_jobs"), await count("processed")]).toEqual([3, 4]);
    await prune();
    expect([await count("dead_jobs"), await count("processed")]).toEqual([3, 4]);
  });

  test("removes many rows in short statements", async () => {
    await fill("dead", 2_500, DEAD_DAYS + 1);
    await fill("ledger", 1_000, LEDGER_DAYS + 1);
    expect(await prune()).toEqual([1_000, 1_000, 500, 1_000, 0]);
  });

  test("skips rows that another transaction has locked", async () => {
    await fill("dead", 2, DEAD_DAYS + 1);
    const other = await database.pool.connect();
    await other.query("begin");
    await other.query("select from orbit_jobs.dead_jobs limit 1 for update");
    await prune();
    expect(await count("dead_jobs")).toBe(1);
    await other.query("commit");
    other.release();
    await prune();
    expect(await count("dead_jobs")).toBe(0);
  });
});

describe("each write to QStash's tables removes up to a hundred expired rows", () => {
  const sql: SqlExecutor = {
    query: (text, values) => database.pool.query(text, [...values]),
  };

  async function fillMessages(total: number, days: number): Promise<void> {
    await database.pool.query(
      `insert into orbit_jobs.qstash_messages (id, touched_at)
       select gen_random_uuid(), now() - $2::float8 * interval '1 day' from generate_series(1, $1)`,
      [total, days],
    );
  }

  const writes: readonly (readonly [title: string, write: () => Promise<unknown>])[] = [
    ["the begin of a run", () => recordBegin(sql, "new", 1)],
    ["the end of a message", () => recordEnd(sql, "new", "done")],
    ["a refusal", () => recordRefusal(sql, "new")],
  ];

  test.each(writes)("message records, at %s", async (_title, write) => {
    await fillMessages(150, 14.01);
    await fillMessages(10, 13.99);
    await write();
    expect(await count("qstash_messages")).toBe(50 + 10 + 1);
    await write();
    expect(await count("qstash_messages")).toBe(10 + 1);
    await write();
    expect(await count("qstash_messages")).toBe(10 + 1);
  });

  test("keys that expired more than a day ago, at each publication", async () => {
    const insert = `insert into orbit_jobs.job_keys (name, key, holder, expires_at)
      select 'contract.work', gen_random_uuid(), 'x', now() - $2::float8 * interval '1 day'
        from generate_series(1, $1)`;
    await database.pool.query(insert, [150, 1.01]);
    await database.pool.query(insert, [10, 0.99]);
    const claim = { name: "contract.work", key: "k", holder: "h", expiresAt: new Date() };
    await markPublished(sql, [claim]);
    expect(await count("job_keys")).toBe(50 + 10);
    await markPublished(sql, [claim]);
    expect(await count("job_keys")).toBe(10);
  });
});
