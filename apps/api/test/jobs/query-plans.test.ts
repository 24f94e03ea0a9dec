import { afterAll, beforeAll, expect, test } from "vitest";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import {
  keepDeadJob,
  pruneDeadJobs,
  removeDeadJob,
  sqlDeadJobs,
} from "#src/jobs/infrastructure/sql/dead-jobs.ts";
import { freeKey, markPublished, takeKeys } from "#src/jobs/infrastructure/sql/job-keys.ts";
import { pruneLedger, sqlLedger } from "#src/jobs/infrastructure/sql/ledger.ts";
import {
  findRecord,
  recordBegin,
  recordEnd,
} from "#src/jobs/infrastructure/sql/message-records.ts";
import { claimFromOutbox, putIntoOutbox } from "#src/jobs/infrastructure/sql/outbox.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { withPlans } from "../support/query-plans.ts";

/** Enough rows for Postgres to prefer an index. */
const ROWS = 20_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const fill = [
    `dead_jobs (id, name, payload, attempts, max_attempts, last_error, died_at)
     select n, 'contract.work', '1', 1, 1, 'fails', now() - n * interval '1 minute'`,
    `processed (consumer, event_id, processed_at) select 'test', n, now() - n * interval '1 minute'`,
    `job_keys (name, key, holder, expires_at)
     select 'contract.work', n, n, now() + (n - 100) * interval '1 hour'`,
    `qstash_messages (id, touched_at) select n, now() - n * interval '1 minute'`,
    `job_outbox (id, name, version, payload, max_attempts, claimed_until)
     select n, 'contract.work', 1, '1', 1, now() + (n - 50) * interval '1 minute'`,
  ];
  for (const into of fill) {
    await database.pool.query(`insert into orbit_jobs.${into} from generate_series(1, ${ROWS}) n`);
  }
  await database.pool.query("analyze");
});

afterAll(async () => {
  await database.drop();
});

const claim = { name: "contract.work", key: "9999", holder: "9999", expiresAt: new Date() };
const at = (sql: SqlExecutor) => sqlDeadJobs(sql, async () => true);

const queries: readonly (readonly [
  title: string,
  index: string,
  query: (sql: SqlExecutor) => Promise<unknown>,
])[] = [
  ["the newest dead jobs", "dead_jobs_newest", (sql) => at(sql).list(20)],
  ["the replay of a dead job", "dead_jobs_pkey", (sql) => at(sql).replay("7")],
  ["the removal of a dead job", "dead_jobs_pkey", (sql) => removeDeadJob(sql, "7")],
  ["the pruning of dead jobs", "dead_jobs_newest", (sql) => pruneDeadJobs(sql, 13)],
  ["the pruning of the ledger", "processed_oldest", (sql) => pruneLedger(sql, 13)],
  ["expired keys", "job_keys_expiring", (sql) => markPublished(sql, [claim])],
  ["the publication of a key's job", "job_keys_pkey", (sql) => markPublished(sql, [claim])],
  ["the release of a key", "job_keys_pkey", (sql) => freeKey(sql, claim)],
  ["a message's record", "qstash_messages_pkey", (sql) => findRecord(sql, "7")],
  ["the pruning of messages", "qstash_messages_touched", (sql) => recordEnd(sql, "8", "done")],
  ["the next jobs of the outbox", "job_outbox_unclaimed", (sql) => claimFromOutbox(sql, "me", 100)],
  [
    "given jobs of the outbox",
    "job_outbox_pkey",
    (sql) => claimFromOutbox(sql, "me", 100, ["7", "8"]),
  ],
];

test.each(queries)("%s uses %s", async (_title, index, query) => {
  const sql = withPlans(database.pool);
  await query(sql);
  const [plan] = sql.plans;
  expect(plan).toContain(index);
  expect(plan).not.toMatch(/Seq Scan on (dead_jobs|processed|job_keys|qstash_messages|job_outbox)/);
});

test("inserts find conflicting rows by primary key", async () => {
  const sql = withPlans(database.pool);
  await sqlLedger(sql).once("test", "new");
  await takeKeys(sql, [{ ...claim, key: "new" }]);
  await recordBegin(sql, "new", 1);
  const job = { id: "new", name: "contract.work", version: 1, maxAttempts: 1 } as const;
  await keepDeadJob(sql, { ...job, payload: "1", attempts: 1 }, new Error("fails"));
  await putIntoOutbox(sql, [{ ...job, json: "1", runAt: undefined, jobKey: undefined }]);
  expect(sql.plans).toHaveLength(5);
  for (const plan of sql.plans) expect(plan).not.toMatch(/Seq Scan/);
});
