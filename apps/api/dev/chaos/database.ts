import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";

/** A period in which the database was down. */
export interface Outage {
  readonly from: number;
  /** When it accepted connections again. */
  readonly to: number;
}

/** This run's own Postgres, which faults restart. */
export interface ChaosDatabase {
  readonly url: string;
  readonly outages: readonly Outage[];
  restart(how: "fast" | "immediate", awayMs: number): Promise<void>;
  /** Stops the server and deletes its files. */
  remove(): Promise<void>;
}

/** @param settings server settings that override Postgres' defaults */
export async function startDatabase(
  settings: Readonly<Record<string, string>>,
): Promise<ChaosDatabase> {
  const directory = await mkdtemp(path.join(tmpdir(), "orbit-chaos-"));
  await chmod(directory, 0o755);
  const options = { directory, settings: { max_connections: "200", ...settings } };
  let postgres = await startEmbeddedPostgres(options);
  let last: Promise<void> = Promise.resolve();
  const outages: Outage[] = [];
  const restart = async (how: "fast" | "immediate", awayMs: number) => {
    const from = Date.now();
    await postgres.stop(how);
    await delay(awayMs);
    postgres = await startEmbeddedPostgres(options);
    outages.push({ from, to: Date.now() });
  };
  return {
    url: postgres.url,
    outages,
    restart(how, awayMs) {
      last = last.then(() => restart(how, awayMs));
      return last;
    },
    async remove() {
      await last.catch(() => undefined);
      await postgres.stop();
      await rm(postgres.directory, { recursive: true, force: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
}
