import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import type { JobDispatcher } from "#src/jobs/application/job-provider.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import type { SqlExecutor } from "#src/jobs/application/ports.ts";
import { qstash, type QStashOptions } from "#src/jobs/infrastructure/qstash/qstash-provider.ts";
import type { RuntimeOptions } from "#src/jobs/testing/contract-harness.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import { bindProvider, type TestPorts } from "./bind-provider.ts";
import type { Front } from "./front.ts";
import type { messageStates } from "./message-states.ts";
import { dispatcherOf } from "./qstash-options.ts";

interface InstancesOptions {
  readonly options: QStashOptions;
  readonly definitions: readonly JobDefinition[];
  readonly ports: TestPorts & { readonly sql: SqlExecutor };
  readonly front: Front;
  readonly states: ReturnType<typeof messageStates>;
  readonly jump: (ms: number) => void;
  readonly pauseDeliveries: (paused: boolean) => Promise<unknown>;
}

export interface QStashRuntimeOptions extends RuntimeOptions {
  /** Default: the world's database. */
  readonly sql?: SqlExecutor;
}

/** Longer than QStash's first pause between two deliveries. */
const NEXT_DELIVERY_SECONDS = 5;

/** The instances of an app behind one address. */
export async function qstashInstances({
  options,
  ports,
  front,
  states,
  ...world
}: InstancesOptions) {
  const live = new Set<JobDispatcher>();
  const killed = new Set<JobRuntime>();
  const dispatchers = new Map<JobRuntime, JobDispatcher>();
  let pausing: Promise<unknown> = Promise.resolve();
  /** QStash delivers only while an instance is live. */
  const pauseOrResume = () => {
    pausing = pausing.then(() => world.pauseDeliveries(live.size === 0));
    return pausing;
  };
  await pauseOrResume();

  const runtime = ({
    definitions = world.definitions,
    concurrency = 2,
    shutdownGraceMs = 100,
    sql = ports.sql,
    log,
  }: QStashRuntimeOptions = {}): JobRuntime => {
    const parts = bindProvider(qstash({ ...options, concurrency }), definitions, {
      ...ports,
      ...(log && { log }),
      // A killed instance writes nothing any more.
      sql: {
        query: (text, values) =>
          killed.has(instance)
            ? Promise.reject(new Error("This instance was killed."))
            : sql.query(text, values),
      },
      settings: { shutdownGraceMs },
    });
    const dispatcher = dispatcherOf(parts);
    const instance: JobRuntime = {
      provider: "qstash",
      async start() {
        await parts.runtime.start();
        if (!dispatcher.accepting) return;
        front.add(dispatcher);
        live.add(dispatcher);
        await pauseOrResume();
        world.jump(NEXT_DELIVERY_SECONDS * 1_000);
      },
      async stop() {
        live.delete(dispatcher);
        const stopped = parts.runtime.stop();
        await pauseOrResume();
        await stopped;
        await eventually(
          "QStash has every answer",
          async () => states.inFlight() <= front.inFlight(),
        );
      },
    };
    dispatchers.set(instance, dispatcher);
    return instance;
  };

  const kill = (running: JobRuntime) => {
    const dispatcher = dispatchers.get(running);
    if (!dispatcher) return;
    live.delete(dispatcher);
    killed.add(running);
    front.kill(dispatcher);
  };

  return {
    runtime,
    kill,
    async crash(running: JobRuntime) {
      kill(running);
      await pauseOrResume();
    },
    async stop() {
      await Promise.all([...dispatchers.keys()].map((running) => running.stop()));
    },
  };
}
