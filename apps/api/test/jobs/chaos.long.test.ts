import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { planFaults } from "../../dev/chaos/plan.ts";
import { withFigures } from "../../dev/chaos/report.ts";
import { type ChaosResult, runChaos } from "../../dev/chaos/run.ts";

const DOCUMENT = fileURLToPath(new URL("../../../../docs/reliability.md", import.meta.url));

describe("under faults no job is lost, and no effect exists twice", () => {
  // The long run, with more jobs and faults, is `npm run chaos`.
  test.each(["graphile", "qstash"] as const)("%s", { timeout: 360_000 }, async (engine) => {
    const result = await runChaos({
      engine,
      seed: "7",
      durationMs: 12_000,
      rate: 30,
      pace: 1.5,
      drainMs: 240_000,
      settings: { fsync: "off" },
    });
    expect(result).toMatchObject({
      lost: 0,
      duplicates: 0,
      phantoms: 0,
      dead: 0,
      ownEnds: [],
      drained: true,
      faults: { kill: 4, terminate: 1, freeze: 1, cut: 2, stall: 1, restart: 1 },
    });
    expect(result.jobs).toBeGreaterThan(100);
    expect(result.cutOff + result.extraRuns).toBeGreaterThan(0);
    expect(result.recovery.count).toBe(result.cutOff);
  });
});

describe("the plan", () => {
  const workers = ["a", "b", "c"];
  const options = { seed: "1", durationMs: 600_000, pace: 1, workers, enqueuer: "e" };

  test("depends on the seed alone", () => {
    expect(planFaults(options)).toEqual(planFaults(options));
    expect(planFaults({ ...options, seed: "2" })).not.toEqual(planFaults(options));
  });

  test("has enough faults in ten minutes", () => {
    const plan = planFaults(options);
    const count = (kind: string) => plan.filter((fault) => fault.kind === kind).length;
    expect(count("kill")).toBeGreaterThanOrEqual(100);
    expect(count("restart")).toBeGreaterThanOrEqual(10);
    const crashes = plan.filter((fault) => fault.kind === "restart" && fault.how === "immediate");
    expect(crashes.length).toBeGreaterThanOrEqual(5);
    expect(Math.max(...plan.map(({ at }) => at))).toBeLessThan(options.durationMs);
  });
});

describe("the table in the documentation", () => {
  const percentiles = { count: 3, p50: 1, p99: 2, max: 2 };
  const result: ChaosResult = {
    engine: "qstash",
    seed: "a seed of the test",
    durationMs: 60_000,
    faults: { kill: 1, terminate: 1, freeze: 1, cut: 1, stall: 1, restart: 1 },
    drained: true,
    drainSeconds: 1,
    dead: 0,
    ownEnds: [],
    jobs: 10,
    lost: 0,
    duplicates: 0,
    phantoms: 0,
    runs: 12,
    extraRuns: 2,
    cutOff: 3,
    recovery: percentiles,
    afterRestart: percentiles,
    longestWait: 3,
  };

  test("takes the new figures of an engine and keeps those of others", async () => {
    const document = await readFile(DOCUMENT, "utf8");
    const rows = (text: string, engine: string) =>
      text.split("\n").filter((line) => line.startsWith(`| ${engine} |`));
    const written = withFigures(document, [result]);
    expect(rows(written, "qstash")).toEqual([
      "| qstash | 1 | a seed of the test | 10 | 1 | 1 | 1 | 1 | 1 | 1 | 0 | 0 | 2 | 3 of 3 | 1.00, 2.00, 2.00 | 1.00, 2.00 | 3.0 | 0 |",
    ]);
    for (const engine of ["graphile", "raw graphile-worker"]) {
      expect(rows(written, engine)).toEqual(rows(document, engine));
      expect(rows(written, engine)).toHaveLength(1);
    }
  });
});
