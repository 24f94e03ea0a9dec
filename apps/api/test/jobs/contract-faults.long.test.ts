import { vi } from "vitest";
import { faultTests } from "../support/fault-tests.ts";
import { faultyGraphile } from "../support/faulty-graphile.ts";
import { faultyQStash } from "../support/faulty-qstash.ts";

// The cases mostly wait, for a reconnection or a retry.
vi.setConfig({ maxConcurrency: 8 });

/** Any text. The same text gives the same faults. */
const seed = process.env["FAULTS_SEED"] ?? "orbit";

/**
 * Cases that hold wherever a fault strikes. The others count attempts or dead jobs. There, faults spare
 * runs and enqueues in flight, since a lost answer rightly repeats them.
 */
const anywhere = [
  "an idle worker takes a new job at once",
  "enqueueMany stores every job",
  "a job name that is not in the registry is refused",
  "a payload that fails its schema is refused with the issues",
  "bad options are refused, and no job of their batch is stored",
  "a job runs at its runAt and not before",
  "a runAt in the past means now",
  "enqueueMany keeps the options of each job",
  "while a job waits, another enqueue with its key is absorbed",
  "fifty enqueues at once with one key make one job",
  "every string of 1 to 512 characters is a key of its own",
  "a schedule that left the registry makes no more jobs",
  "start() and stop() may be called repeatedly, at the same time and in any order",
  "two instances share the work and run each job once",
];

const missedTicks = [
  "each missed tick within the back-fill makes one job across all instances",
  "ticks older than the back-fill are not made up",
];

const leftOut = {
  "after failed attempt n the next run starts no sooner than exp(n) seconds later":
    "it compares which of two jobs runs first, and faults last longer than the time between them",
  "an error that nothing awaits fails its own run, and no other one":
    "its handler may return before the error, and idempotent handlers then skip the next attempt",
};

faultTests({
  label: "graphile, on a network that stalls and breaks",
  seed,
  harness: faultyGraphile,
  anywhere: [...anywhere, ...missedTicks],
  leftOut,
  faults: [
    "a stall",
    "a cut before a call",
    "a cut during a call",
    "a cut of the workers",
    "a repeated enqueue",
  ],
});

const ORDER = "it expects one of two jobs to run first, and faults reorder deliveries";

faultTests({
  label: "qstash, on a QStash with faults",
  seed,
  harness: faultyQStash,
  // QStash retries a missed tick, and waits for minutes after a lost answer.
  anywhere,
  leftOut: {
    ...leftOut,
    "fifteen attempts are fifteen runs, above any plan's retry limit":
      "it counts every run, and a delivery that QStash makes twice runs its attempt again",
    "a job that waits for a busy worker keeps its key": ORDER,
    "stop() waits for the running handler and takes no new job": ORDER,
  },
  faults: [
    "a repeated request of QStash's client",
    "a lost answer to a delivery",
    "a repeated run",
  ],
});
