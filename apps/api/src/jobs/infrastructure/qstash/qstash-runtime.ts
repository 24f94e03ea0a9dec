import type { ScheduleChanges } from "../../application/job-provider.ts";
import type { ObservableJobRuntime } from "../../application/job-runtime.ts";
import type { JobLogger } from "../../application/ports.ts";
import type { Interval } from "../common/interval.ts";
import { createStartStop } from "../common/start-stop.ts";
import type { InFlightDeliveries } from "./in-flight-deliveries.ts";

interface RuntimeParts {
  readonly inFlight: InFlightDeliveries;
  readonly sweeper: Interval;
  readonly syncSchedules: () => Promise<ScheduleChanges>;
  readonly shutdownGraceMs: number;
  readonly log: JobLogger;
}

/**
 * The runtime of a process that QStash delivers to. `start()` syncs the schedules, accepts deliveries
 * and sweeps the outbox. `stop()` lets runs in flight end and answers other deliveries "retry later".
 */
export function createQStashRuntime({
  inFlight,
  sweeper,
  syncSchedules,
  shutdownGraceMs,
  log,
}: RuntimeParts): ObservableJobRuntime {
  let drained: Promise<unknown> = Promise.resolve();

  const lifecycle = createStartStop(async (stopping) => {
    await drained;
    const { created, updated, deleted } = await syncSchedules();
    if (created.length + updated.length + deleted.length > 0) {
      log.info({ created, updated, deleted }, "schedules synced");
    }
    if (!stopping.aborted) {
      inFlight.reopen();
      sweeper.start();
    }
    return () => sweeper.stop();
  });

  return {
    provider: "qstash",
    get connected() {
      return inFlight.open;
    },
    start: () => lifecycle.start(),
    async stop() {
      // At once, and also without a start: a serverless instance accepts deliveries from the beginning.
      drained = Promise.all([drained, inFlight.close(shutdownGraceMs)]);
      await Promise.all([drained, lifecycle.stop()]);
    },
  };
}
