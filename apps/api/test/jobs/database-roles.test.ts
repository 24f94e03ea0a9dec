import { describe, expect, onTestFinished, test, vi } from "vitest";
import { contractCases } from "#src/jobs/testing/cases/index.ts";
import { contractTests } from "#src/jobs/testing/contract-tests.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { createRole, createTestDatabase, ROLE_VARIABLE } from "../support/database.ts";
import { startProcess } from "../support/process.ts";
import { qstashHarness } from "../support/qstash-harness.ts";

// The owner migrates, and a role that owns nothing runs the app. database-roles.long.test.ts has the whole
// contract as such a role.

const TOKEN = "token-of-the-roles-test";

const ROLE = `app_${process.pid}`;

vi.setConfig({ maxConcurrency: 8 });
await createRole(ROLE);

describe("with the printed rights", () => {
  vi.stubEnv(ROLE_VARIABLE, ROLE);
  const { transactions = [] } = contractCases;
  contractTests("qstash with a role that owns nothing", qstashHarness, { transactions });
});

async function open() {
  vi.stubEnv(ROLE_VARIABLE, undefined);
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const url = new URL(database.url);
  url.username = ROLE;
  return { ...database, asRole: url.href };
}

async function migrate(url: string, provider: string, ...args: readonly string[]) {
  const env = { DATABASE_URL: url, ...PROVIDERS[provider] };
  const command = startProcess("src/db-migrate.ts", env, args);
  return { exit: await command.exit, stdout: command.stdout(), stderr: command.stderr() };
}

const PROVIDERS: Readonly<Record<string, Record<string, string>>> = {
  graphile: { JOBS_PROVIDER: "graphile" },
  qstash: {
    JOBS_PROVIDER: "qstash",
    QSTASH_TOKEN: "token-of-an-account",
    QSTASH_CURRENT_SIGNING_KEY: `sig_${"c".repeat(28)}`,
    QSTASH_NEXT_SIGNING_KEY: `sig_${"n".repeat(28)}`,
    QSTASH_CALLBACK_URL: "https://api.example.com",
  },
};

test("qstash: db:migrate prints statements, and with them the role finds nothing to do", async () => {
  const { url, asRole, pool } = await open();
  const [refused, printed] = await Promise.all([
    migrate(asRole, "qstash"),
    migrate(url, "qstash", "--grants", ROLE),
  ]);
  expect(refused.exit).toBe(1);
  expect(refused.stderr).toContain("lacks USAGE on schema drizzle; USAGE on schema ");
  expect(printed).toMatchObject({ exit: 0, stderr: "" });
  // Twice, since the statements are to be run again after later migrations.
  await pool.query(printed.stdout);
  await pool.query(printed.stdout);
  const accepted = { exit: 0, stdout: "The database is up to date.\n", stderr: "" };
  expect(await migrate(asRole, "qstash")).toEqual(accepted);
  const { rows } = await pool.query(
    `select has_database_privilege('${ROLE}', current_database(), 'CREATE') as creates,
            has_table_privilege('${ROLE}', 'orbit_jobs.schema_migrations', 'INSERT') as migrates`,
  );
  expect(rows).toEqual([{ creates: false, migrates: false }]);
});

test("API and worker start as that role, and a job that the API enqueues runs in the worker", async () => {
  const { url, asRole, pool } = await open();
  const { stdout } = await migrate(url, "graphile", "--grants", ROLE);
  await pool.query(stdout);
  await pool.query(stdout);
  const env = { DATABASE_URL: asRole, ORBIT_API_TOKEN: TOKEN, PORT: "0" };
  const api = startProcess("src/index.ts", {
    ...env,
    ...PROVIDERS["graphile"],
    JOBS_WORKER: "off",
  });
  const worker = startProcess("src/worker.ts", { ...env, ...PROVIDERS["graphile"] });
  onTestFinished(() => {
    api.kill("SIGKILL");
    worker.kill("SIGKILL");
  });
  const [, address = ""] = await api.waitFor(/listens on (\S+) /);
  await worker.waitFor(/The worker runs/);
  const body = { name: "cleanup.stale-invites", payload: { olderThanHours: 1 }, jobKey: "roles" };
  const enqueue = () =>
    fetch(`${address}/v1/jobs`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  expect((await enqueue()).status).toBe(202);
  await eventually("the job is done", async () => {
    const { rowCount } = await pool.query("select from graphile_worker._private_jobs");
    return rowCount === 0;
  });
  const { rows } = await pool.query("select from orbit_jobs.dead_jobs");
  expect(rows).toEqual([]);
  // A right that is taken away later is named to the caller.
  await pool.query(`revoke insert on graphile_worker._private_jobs from ${ROLE}`);
  const refused = await enqueue();
  expect(refused.status).toBe(502);
  expect(await refused.text()).toMatch(
    /permission denied for table _private_jobs. `npm run db:migrate -- --grants ROLE`/,
  );
});

test("a start without rights names each right with its object and its statement", async () => {
  const { asRole, pool } = await open();
  const start = async (file: string) => {
    const started = startProcess(file, {
      DATABASE_URL: asRole,
      ORBIT_API_TOKEN: TOKEN,
      PORT: "0",
      ...PROVIDERS["graphile"],
    });
    return { exit: await started.exit, said: started.stderr() };
  };
  for (const { exit, said } of await Promise.all(["src/index.ts", "src/worker.ts"].map(start))) {
    expect(exit).toBe(1);
    expect(said).toMatch(/The database\/\w+ at [\w.:]+ cannot be used: the role app_\d+ lacks /);
    expect(said).toContain("; USAGE on schema graphile_worker; ");
    expect(said).toContain(`\n    grant usage on schema graphile_worker to ${ROLE};\n`);
    expect(said).toContain(
      `\n    grant select, insert, update, delete on table public.workspaces to ${ROLE};\n`,
    );
    expect(said).toContain(`\`npm run db:migrate -- --grants ${ROLE}\``);
    expect(said).not.toContain("at Object");
  }
  // Rights on tables alone show no rows of graphile-worker's tables: row-level security hides them.
  await pool.query(
    `grant usage on schema orbit_jobs, graphile_worker, drizzle to ${ROLE};
     grant select, insert, update, delete
        on all tables in schema orbit_jobs, graphile_worker, drizzle, public to ${ROLE}`,
  );
  const { said } = await start("src/worker.ts");
  expect(said).toContain("a row-level security policy on table graphile_worker._private_jobs");
  expect(said).toContain(
    `create policy "orbit ${ROLE}" on graphile_worker._private_jobs to ${ROLE} using (true) with check (true);`,
  );
  expect(said).not.toContain("USAGE");
});

test("a role that may not apply pending migrations learns who can, and which right it lacks", async () => {
  vi.stubEnv(ROLE_VARIABLE, undefined);
  const empty = await createTestDatabase("template0");
  onTestFinished(() => empty.drop());
  const url = new URL(empty.url);
  url.username = ROLE;
  const { exit, stderr } = await migrate(url.href, "graphile");
  expect(exit).toBe(1);
  expect(stderr).toContain(
    "migrations are pending. Run `npm run db:migrate` as the owner of the tables.",
  );
  const database = url.pathname.slice(1);
  expect(stderr).toContain(`lacks CREATE on database ${database}`);
  expect(stderr).toContain(`    grant create on database ${database} to ${ROLE};\n`);
});

test("db:migrate refuses a role that does not exist, and arguments that it does not know", async () => {
  const { url } = await open();
  const [unknown, misspelt] = await Promise.all([
    migrate(url, "graphile", "--grants", "nobody_of_that_name"),
    migrate(url, "graphile", "--grant", ROLE),
  ]);
  expect(unknown).toMatchObject({ exit: 1, stdout: "" });
  expect(unknown.stderr).toContain('has no role "nobody_of_that_name"');
  expect(misspelt).toMatchObject({ exit: 1, stdout: "" });
  expect(misspelt.stderr).toContain("npm run db:migrate -- --grants ROLE");
});
