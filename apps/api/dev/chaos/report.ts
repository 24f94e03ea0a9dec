import { readFile, writeFile } from "node:fs/promises";
import { ENGINES } from "./engines.ts";
import type { Percentiles } from "./measure.ts";
import type { FaultKind } from "./plan.ts";
import type { ChaosResult } from "./run.ts";

const BEGIN = "<!-- written by `npm run chaos -- --write` -->";
const END = "<!-- end of what is written -->";

const NAMES: Readonly<Record<ChaosResult["engine"], string>> = {
  graphile: "graphile",
  qstash: "qstash",
  raw: "raw graphile-worker",
};

const HEAD = [
  "engine",
  "minutes",
  "seed",
  "jobs",
  "SIGKILL",
  "SIGTERM",
  "SIGSTOP",
  "restarts of Postgres",
  "cuts",
  "stalls",
  "lost",
  "duplicate effects",
  "extra runs",
  "cut off, began again",
  "recovery p50, p99, max (s)",
  "after a restart p50, max (s)",
  "longest wait (s)",
  "own ends",
];

const KINDS: readonly FaultKind[] = ["kill", "terminate", "freeze", "restart", "cut", "stall"];

/** The figures of one run, as a row under {@link HEAD}. */
function rowOf(result: ChaosResult): string[] {
  const { recovery, afterRestart } = result;
  return [
    NAMES[result.engine],
    String(Number((result.durationMs / 60_000).toFixed(2))),
    result.seed,
    String(result.jobs),
    ...KINDS.map((kind) => String(result.faults[kind])),
    String(result.lost),
    String(result.duplicates),
    String(result.extraRuns),
    `${recovery.count} of ${result.cutOff}`,
    seconds(recovery, ["p50", "p99", "max"]),
    seconds(afterRestart, ["p50", "max"]),
    result.longestWait.toFixed(1),
    String(result.ownEnds.length),
  ];
}

function seconds(values: Percentiles, keys: readonly ("p50" | "p99" | "max")[]): string {
  if (values.count === 0) return "–";
  return keys.map((key) => values[key].toFixed(2)).join(", ");
}

export function tableOf(results: readonly ChaosResult[]): string[][] {
  return [HEAD, ...results.map(rowOf)];
}

/** The broken promises of a run, one per line. */
export function problemsOf(result: ChaosResult): string[] {
  const { lost, duplicates, phantoms, dead, drained, ownEnds } = result;
  return [
    ...(lost > 0 ? [`${lost} jobs are lost`] : []),
    ...(duplicates > 0 ? [`${duplicates} effects exist twice`] : []),
    ...(phantoms > 0 ? [`${phantoms} jobs ran although their transaction did not commit`] : []),
    ...(dead > 0 ? [`${dead} jobs are dead`] : []),
    ...(drained ? [] : ["the queue did not drain in time"]),
    ...ownEnds.map((end) => `a process exited on its own: ${end}`),
  ];
}

/** Returns the document with these figures between its markers. Keeps the rows of other engines. */
export function withFigures(document: string, results: readonly ChaosResult[]): string {
  const [before, rest] = document.split(BEGIN);
  const [old, after] = rest?.split(END) ?? [];
  if (before === undefined || old === undefined || after === undefined) {
    throw new Error(`the document must have the lines ${BEGIN} and ${END}`);
  }
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rows = ENGINES.flatMap((engine) => {
    const result = results.findLast((one) => one.engine === engine);
    if (result) return [line(rowOf(result))];
    return old.split("\n").filter((row) => row.startsWith(`| ${NAMES[engine]} |`));
  });
  const table = [line(HEAD), line(HEAD.map(() => "---")), ...rows].join("\n");
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}

export async function writeFigures(file: string, results: readonly ChaosResult[]): Promise<void> {
  await writeFile(file, withFigures(await readFile(file, "utf8"), results));
}
