import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import type { JobRuntime } from "#src/jobs/application/job-runtime.ts";
import type { JobClock, SqlExecutor } from "#src/jobs/application/ports.ts";
import {
  buildJobDispatcher,
  buildJobRuntime,
  type JobDispatcher,
  type JobsConfig,
} from "#src/jobs/feature.ts";
import type { RuntimeOptions } from "#src/jobs/testing/contract-harness.ts";
import { eventually } from "#src/jobs/testing/probe.ts";
import type { Front } from "./front.ts";
import type { messageStates } from "./message-states.ts";
import { silentLog } from "./silent-log.ts";

interface InstancesOptions {
  readonly config: JobsConfig & { provider: "qstash" };
  readonly definitions: readonly JobDefinition[];
  readonly sql: SqlExecutor;
  readonly jobClock: JobClock;
  readonly front: Front;
  readonly states: ReturnType<typeof messageStates>;
  readonly jump: (ms: number) => void;
  /** Has QStash keep its deliveries, while there is nobody to take them. */
  readonly holdBack: (hold: boolean) => Promise<unknown>;
}

/** Longer than QStash's first pause before it looks for another instance. */
const NEXT_LOOK_SECONDS = 5;

/** The instances of an app behind one address. */
export async function qstashInstances({ config, front, states, ...options }: InstancesOptions) {
  const live = new Set<JobDispatcher>();
  const dead = new Set<JobRuntime>();
  const dispatchers = new Map<JobRuntime, JobDispatcher>();
  let holding: Promise<unknown> = Promise.resolve();
  const holdBack = () => {
    holding = holding.then(() => options.holdBack(live.size === 0));
    return holding;
  };
  await holdBack();

  const runtime = ({
    definitions = options.definitions,
    concurrency = 2,
    shutdownGraceMs = 100,
  }: RuntimeOptions = {}): JobRuntime => {
    const registry = buildJobs(definitions);
    const own = { ...config, concurrency, shutdownGraceMs };
    const dispatcher = buildJobDispatcher(own, registry, {
      // Whoever is dead has nothing more to say to the database.
      sql: {
        query: (text, values) =>
          dead.has(made)
            ? Promise.reject(new Error("this instance has died"))
            : options.sql.query(text, values),
      },
      clock: options.jobClock,
      log: silentLog,
    });
    if (!dispatcher) throw new Error("qstash has a dispatcher");
    const inner = buildJobRuntime(own, registry, { log: silentLog, dispatcher });
    const made: JobRuntime = {
      provider: "qstash",
      async start() {
        await inner.start();
        if (!dispatcher.intake.open) return;
        front.add(dispatcher);
        live.add(dispatcher);
        await holdBack();
        options.jump(NEXT_LOOK_SECONDS * 1_000);
      },
      async stop() {
        live.delete(dispatcher);
        const stopped = inner.stop();
        await holdBack();
        await stopped;
        await eventually(
          "QStash has every answer",
          async () => states.underWay() <= front.underWay(),
        );
      },
    };
    dispatchers.set(made, dispatcher);
    return made;
  };

  const kill = (running: JobRuntime) => {
    const dispatcher = dispatchers.get(running);
    if (!dispatcher) return;
    live.delete(dispatcher);
    dead.add(running);
    front.kill(dispatcher);
  };

  return {
    runtime,
    kill,
    async crash(running: JobRuntime) {
      kill(running);
      await holdBack();
    },
    async stop() {
      await Promise.all([...dispatchers.keys()].map((running) => running.stop()));
    },
  };
}
