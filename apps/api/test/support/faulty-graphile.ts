import type { Pool } from "pg";
import type { ContractHarness } from "#src/jobs/testing/contract-harness.ts";
import { type FaultPlan, limited } from "./fault-plan.ts";
import { graphileSupport, openGraphileWorld } from "./graphile-harness.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { openTroubledWorld, type Troubles } from "./troubled-world.ts";

const LONGEST_STALL_MS = 400;
const LONGEST_FUSE_MS = 40;

/** graphile behind proxies that stall and break its connections. */
export function faultyGraphile(plan: FaultPlan): ContractHarness {
  return {
    provider: graphileSupport,
    async open(definitions) {
      const proxies: TcpProxy[] = [];
      const world = await openTroubledWorld(plan, definitions, async (idempotentOnes) => {
        const opened = await openGraphileWorld(idempotentOnes, async (url) => {
          const proxy = await openTcpProxy(url);
          proxies.push(proxy);
          return proxy.url;
        });
        const [queue, runtimes] = proxies;
        if (!queue || !runtimes)
          throw new Error("a world has a proxy for its queue and one for its runtimes");
        return { world: opened, troubles: troublesOf(plan, opened.pool, queue, runtimes) };
      });
      return {
        ...world,
        async close() {
          await world.close();
          await Promise.all(proxies.map((proxy) => proxy.close()));
        },
      };
    },
  };
}

function troublesOf(plan: FaultPlan, pool: Pool, queue: TcpProxy, runtimes: TcpProxy): Troubles {
  const { random, anywhere } = plan;
  const cutsQueue = limited(plan, "a cut before a call", 0.25, 3);
  const cutsRuntimes = limited(plan, "a cut of the workers", 0.2, anywhere ? 2 : 1);
  const cutsAll = limited(plan, "a cut during a call", 0.25, 2);
  const stalls = limited(plan, "a stall", 0.2, 3);
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const later = (longestMs: number, what: () => void) =>
    timers.add(setTimeout(what, random() * longestMs));
  const flow = () => {
    queue.flow();
    runtimes.flow();
  };
  return {
    async strike(isAlone) {
      if (stalls()) {
        queue.stall();
        runtimes.stall();
        later(LONGEST_STALL_MS, flow);
      }
      if ((anywhere || (await isQuiet(pool))) && cutsRuntimes()) runtimes.cut();
      if (anywhere && cutsAll()) {
        later(LONGEST_FUSE_MS, () => {
          queue.cut();
          runtimes.cut();
        });
      }
      // Last, so that the call takes a connection before the pool notices the cut.
      if ((anywhere || isAlone()) && cutsQueue()) queue.cut();
    },
    end() {
      for (const timer of timers) clearTimeout(timer);
      flow();
    },
  };
}

/** Whether no job is claimed now or due within a second. */
async function isQuiet(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query(
    `select from graphile_worker._private_jobs
      where locked_at is not null
         or (attempts < max_attempts and run_at < now() + interval '1 second') limit 1`,
  );
  return rows.length === 0;
}
