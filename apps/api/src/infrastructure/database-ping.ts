import { setTimeout } from "node:timers/promises";
import { Client, type Pool } from "pg";
import { withTimeout } from "#src/jobs/infrastructure/common/with-timeout.ts";
import { APPLICATION_NAME } from "./database.ts";

/** A healthy connection answers `select 1` within this time. */
const SUSPECT_AFTER_MS = 800;
const PING_TIMEOUT_MS = 2_000;

/**
 * Returns a function that rejects within two seconds if the database does not answer.
 *
 * After a network failure the pool's connections may stay silent, although new connections work. So the
 * ping then tries a new connection. If that one answers, the ping closes the pool's silent connections.
 */
export function createDatabasePing(pool: Pool): () => Promise<void> {
  const busy = new Set<Client>();
  pool.on("acquire", (client) => client instanceof Client && busy.add(client));
  pool.on("release", (_error, client) => client instanceof Client && busy.delete(client));

  /** Remembers the connections that await an answer now. Later, `close` closes those that are silent. */
  const suspect = () => {
    const since = performance.now();
    const suspects = [...busy].filter(isAwaitingAnswer);
    return {
      count: suspects.length,
      async close(client: Client): Promise<void> {
        const silent = await silentSince(client, suspects, performance.now() - since);
        // With a query in flight, `end` breaks the connection without waiting, and the query rejects.
        for (const each of silent) if (busy.has(each) && isAwaitingAnswer(each)) void each.end();
      },
    };
  };

  /** Closes the silent connections that were taken after a failed ping had begun. */
  const lookAgain = async () => {
    const later = suspect();
    if (later.count === 0) return;
    await setTimeout(SUSPECT_AFTER_MS, undefined, { ref: false });
    if (!pool.ending) await onNewConnection(pool, later.close);
  };

  return async () => {
    const suspects = suspect();
    const query = { text: "select 1", query_timeout: PING_TIMEOUT_MS };
    const pooled = pool.query(query);
    const isFast = await withTimeout(
      SUSPECT_AFTER_MS,
      pooled.then(
        () => true,
        () => false,
      ),
      () => false,
    );
    if (isFast) return;
    const fresh = onNewConnection(pool, async (client) => {
      await client.query("select 1");
      closeIdle(pool);
      await suspects.close(client);
    });
    fresh.then(lookAgain).catch(() => undefined);
    await withTimeout(PING_TIMEOUT_MS - SUSPECT_AFTER_MS, Promise.any([pooled, fresh]), () => {
      throw new Error(`The database did not answer within ${PING_TIMEOUT_MS} ms.`);
    });
  };
}

function isAwaitingAnswer(client: Client): boolean {
  return Reflect.get(client, "readyForQuery") === false;
}

async function onNewConnection(pool: Pool, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({
    ...pool.options,
    connectionTimeoutMillis: PING_TIMEOUT_MS,
    query_timeout: PING_TIMEOUT_MS,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await work(client);
  } finally {
    void client.end().catch(() => undefined);
  }
}

/** The idle connections are as old as the one that did not answer. */
function closeIdle(pool: Pool): void {
  for (let left = pool.idleCount; left > 0; left--) {
    pool.connect().then(
      (client) => client.release(true),
      () => undefined,
    );
  }
}

/**
 * Returns the connections whose session has waited for a statement for at least `ms`. Their statement or
 * its answer was lost, since this process waits for an answer. A slow statement is not among them.
 * Behind a transaction pooler the process ids are the pooler's own, so none is found.
 */
async function silentSince(
  client: Client,
  suspects: readonly Client[],
  ms: number,
): Promise<readonly Client[]> {
  const pids = suspects.map((each): unknown => Reflect.get(each, "processID"));
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity
      where pid = any($1::integer[]) and application_name = $2 and state like 'idle%'
        and state_change < now() - $3::float8 * interval '1 millisecond'`,
    [pids, APPLICATION_NAME, ms],
  );
  const silent = new Set<unknown>(rows.map(({ pid }) => pid));
  return suspects.filter((_, index) => silent.has(pids[index]));
}
