import { openTcpProxy, type TcpProxy } from "../../test/support/tcp-proxy.ts";
import { type Engine, ENQUEUER, environment, WORKER_FILES, WORKERS } from "./engines.ts";
import { type LoadBalancer, openLoadBalancer } from "./load-balancer.ts";
import { ManagedProcess } from "./managed-process.ts";

/** The processes of one run, and the proxies between them and the database. */
export interface World {
  readonly workers: readonly ManagedProcess[];
  readonly enqueuer: ManagedProcess;
  /** All processes that faults can hit. */
  readonly processes: readonly ManagedProcess[];
  proxyOf(name: string): TcpProxy;
  ready(): Promise<void>;
  stopWorkers(): Promise<void>;
  /** Messages that the local QStash has not settled. 0 without a QStash. */
  pendingInQStash(): number;
  /** Kills all processes and closes the proxies. */
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly engine: Engine;
  readonly seed: string;
  readonly rate: number;
}

/** Closes everything again if opening fails halfway. */
export async function openWorld(
  { engine, seed, rate }: WorldOptions,
  databaseUrl: string,
  prepare: (env: Readonly<Record<string, string>>) => Promise<void>,
): Promise<World> {
  const proxies = new Map<string, TcpProxy>();
  const processes: ManagedProcess[] = [];
  let balancer: LoadBalancer | undefined;
  let qstash: ManagedProcess | undefined;
  const destroy = () => {
    for (const process of processes) process.destroy();
    qstash?.destroy();
  };
  const close = async () => {
    process.off("exit", destroy);
    destroy();
    await Promise.all([balancer?.close(), ...[...proxies.values()].map((proxy) => proxy.close())]);
  };
  process.once("exit", destroy);
  try {
    if (engine === "qstash") {
      qstash = new ManagedProcess("qstash", "qstash-process.ts", { CHAOS_SEED: seed });
      qstash.start();
      await qstash.ready();
      balancer = await openLoadBalancer(() =>
        processes.flatMap(({ address }) => (address ? [address] : [])),
      );
    }
    const urls = { qstashUrl: qstash?.address ?? "", callbackUrl: balancer?.url ?? "" };
    const env = { ...environment(engine, urls), CHAOS_SEED: seed, CHAOS_RATE: String(rate) };
    await prepare({ ...env, DATABASE_URL: databaseUrl });
    const add = async (name: string, file: string) => {
      const proxy = await openTcpProxy(databaseUrl);
      proxies.set(name, proxy);
      const added = new ManagedProcess(name, file, { ...env, DATABASE_URL: proxy.url });
      processes.push(added);
      added.start();
      return added;
    };
    const workers = await Promise.all(WORKERS.map((name) => add(name, WORKER_FILES[engine])));
    await Promise.all(workers.map((worker) => worker.ready()));
    const enqueuer = await add(ENQUEUER, "enqueuer-process.ts");
    return {
      workers,
      enqueuer,
      processes,
      proxyOf(name) {
        const proxy = proxies.get(name);
        if (!proxy) throw new Error(`there is no ${name}`);
        return proxy;
      },
      async ready() {
        await Promise.all(processes.map((one) => one.ready()));
      },
      async stopWorkers() {
        await Promise.all(workers.map((worker) => worker.stop()));
      },
      pendingInQStash: () => qstash?.pending ?? 0,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
