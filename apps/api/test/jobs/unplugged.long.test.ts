import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Pool } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startProcess } from "../support/process.ts";
import { addUnpluggableMachine } from "../support/unpluggable.ts";

/** Three seconds until Postgres drops the silent machine, two for two misses, and three for a busy test machine. */
const RECOVERY_LIMIT_MS = 8_000;

/** Starts a Postgres that other machines may connect to. */
async function startPostgres(address: string) {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-unplugged-"));
  await chmod(directory, 0o755);
  const allowed = path.join(directory, "pg_hba.conf");
  await writeFile(
    allowed,
    "host all all samehost scram-sha-256\nhost all all samenet scram-sha-256",
  );
  await chmod(allowed, 0o644);
  const postgres = await startEmbeddedPostgres({
    directory,
    settings: { fsync: "off", hba_file: allowed, listen_addresses: `127.0.0.1,${address}` },
  });
  const pool = new Pool({ connectionString: postgres.url });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  onTestFinished(async () => {
    await pool.end();
    await postgres.stop();
    await rm(postgres.directory, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  });
  await graphile({ databaseUrl: postgres.url }).migrate(pool);
  return { pool, url: postgres.url };
}

test("a worker on a disconnected machine aborts its handler before another worker begins the job", async ({
  skip,
}) => {
  const machine = addUnpluggableMachine();
  if (!machine) return skip("needs Linux, root and iproute2");
  onTestFinished(() => machine.remove());
  const { pool, url } = await startPostgres(machine.here);
  const enqueue = (payload: string) =>
    pool.query("select graphile_worker.add_job('contract.work', to_json($1::text))", [payload]);
  const startWorker = async (host: string, prefix: readonly string[] = []) => {
    const env = { DATABASE_URL: url.replace("127.0.0.1", host) };
    const worker = startProcess("test/support/crash-worker.ts", env, [], prefix);
    onTestFinished(async () => {
      worker.kill("SIGKILL");
      await worker.exit;
    });
    await worker.waitFor(/started/);
    return worker;
  };
  const far = await startWorker(machine.here, machine.prefix);
  await enqueue("until-aborted");
  await far.waitFor(/begun "until-aborted" 1/);
  const near = await startWorker("127.0.0.1");

  machine.unplug();
  const unplugged = Date.now();
  const [, aborted] = await far.waitFor(/aborted "until-aborted" 1 at (\d+)\n/);
  const [, begun] = await near.waitFor(/begun "until-aborted" 2 at (\d+)\n/);
  expect(Number(aborted)).toBeLessThan(Number(begun));
  expect(Number(begun) - unplugged).toBeLessThan(RECOVERY_LIMIT_MS);

  const sessionsOfFar = "select from pg_stat_activity where client_addr = $1";
  await eventually("the lost machine has no session left that could claim jobs", async () => {
    return (await pool.query(sessionsOfFar, [machine.there])).rows.length === 0;
  });

  near.kill("SIGTERM");
  expect(await near.exit).toBe(0);
  machine.plugIn();
  await enqueue("later");
  await far.waitFor(/ended "later" 1/);
});
