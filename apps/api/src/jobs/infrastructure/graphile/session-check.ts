import { randomUUID } from "node:crypto";
import type { Client } from "pg";
import { within } from "../../application/within.ts";

const PATIENCE_MS = 2_000;

/**
 * Refuses a connection on which LISTEN does not last, as behind a transaction pooler, where workers
 * would hear of no job and lose their leases. It takes two connections: a pooler may well deliver to
 * the one that notifies.
 */
export async function assertSessionsLast(listener: Client, notifier: Client): Promise<void> {
  const channel = `orbit_jobs_${randomUUID()}`;
  const heard = Promise.withResolvers<true>();
  const onNotification = (message: { channel: string }) => {
    if (message.channel === channel) heard.resolve(true);
  };
  listener.on("notification", onNotification);
  try {
    await listener.query(`listen "${channel}"`);
    await notifier.query("select pg_notify($1, '')", [channel]);
    if (await within(PATIENCE_MS, heard.promise, () => false)) {
      await listener.query(`unlisten "${channel}"`);
      return;
    }
    throw new Error(
      "The worker's database connection loses LISTEN: it goes through a transaction pooler " +
        "(PgBouncer in transaction mode, or a provider's pooled URL). Set WORKER_DATABASE_URL to a " +
        "direct or session-mode URL of the same database.",
    );
  } finally {
    listener.off("notification", onNotification);
  }
}
