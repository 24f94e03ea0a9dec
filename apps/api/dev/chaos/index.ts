import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stopRequest } from "#src/stop-signals.ts";
import { printTable } from "../table.ts";
import { type Engine, ENGINES, ENQUEUER, WORKERS } from "./engines.ts";
import { describeFault, planFaults } from "./plan.ts";
import { problemsOf, tableOf, writeFigures } from "./report.ts";
import { type ChaosResult, runChaos } from "./run.ts";

// Real processes under faults: `npm run chaos`. See docs/reliability.md.

const DOCUMENT = fileURLToPath(new URL("../../../../docs/reliability.md", import.meta.url));

/** Covers the back-off of a job that was cut off six times. */
const DRAIN_MS = 900_000;

/** Raw graphile-worker keeps the jobs of dead workers locked for four hours, so waiting longer is useless. */
const RAW_DRAIN_MS = 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    rate: { type: "string", default: "45" },
    pace: { type: "string", default: "1" },
    engine: { type: "string", multiple: true, default: ["graphile", "qstash"] },
    plan: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const [durationMs, rate, pace] = [
  positive("minutes", values.minutes) * 60_000,
  positive("rate", values.rate),
  positive("pace", values.pace),
];
const options = { seed: values.seed, durationMs, rate, pace };
const engines = values.engine.map(engineOf);
process.exitCode = values.plan ? printPlan() : await run();

function printPlan(): number {
  const plan = planFaults({ ...options, workers: WORKERS, enqueuer: ENQUEUER });
  for (const fault of plan) console.log(describeFault(fault));
  return 0;
}

async function run(): Promise<number> {
  const calledOff = new AbortController();
  void stopRequest().then(() => calledOff.abort());
  const results: ChaosResult[] = [];
  for (const engine of engines) {
    const drainMs = engine === "raw" ? RAW_DRAIN_MS : DRAIN_MS;
    const { signal } = calledOff;
    try {
      const began = performance.now();
      const say = (line: string) =>
        console.log(`${((performance.now() - began) / 1_000).toFixed(1).padStart(7)}  ${line}`);
      results.push(await runChaos({ ...options, engine, drainMs, signal, say }));
    } catch (error) {
      if (!signal.aborted) throw error;
      console.error("Interrupted. All processes are stopped.");
      return 130;
    }
  }
  console.log(`\nnpm run chaos -- ${process.argv.slice(2).join(" ")}\n`);
  printTable(tableOf(results));
  if (values.write) await writeFigures(DOCUMENT, results);
  return report(results);
}

/** Prints the problems. Only those of Orbit Jobs are failures: raw graphile-worker is for comparison. */
function report(results: readonly ChaosResult[]): number {
  let failures = 0;
  for (const result of results) {
    const { engine, runs, drained, drainSeconds } = result;
    const state = drained ? "empty" : "not empty";
    console.log(
      `\n${engine}: ${runs} runs; the queue was ${state} after ${drainSeconds.toFixed(1)} s`,
    );
    for (const problem of problemsOf(result)) {
      console.log(`- ${problem}`);
      if (engine !== "raw") failures += 1;
    }
  }
  return failures > 0 ? 1 : 0;
}

function engineOf(text: string): Engine {
  const engine = ENGINES.find((name) => name === text);
  if (!engine) throw new Error(`--engine must be one of ${ENGINES.join(", ")}`);
  return engine;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
  return value;
}
