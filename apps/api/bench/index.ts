import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { Pool } from "pg";
import { startEmbeddedPostgres } from "#src/infrastructure/embedded-postgres/embedded-postgres.ts";
import { graphile } from "#src/jobs/infrastructure/graphile/graphile-provider.ts";
import { orbitEngine, oursForRaw, rawEngine } from "./engines.ts";
import { type Figures, measure, percentile, type Throughput } from "./measure.ts";
import { printTable } from "../dev/table.ts";
import { benchWebhook } from "./webhook.ts";

interface Rounds {
  readonly raw: Figures[];
  readonly orbit: Figures[];
  readonly untuned: Figures[];
}

const { values } = parseArgs({
  options: {
    concurrency: { type: "string", default: "2" },
    rounds: { type: "string", default: "7" },
    jobs: { type: "string", default: "20000" },
  },
});
const concurrency = Number(values.concurrency);
const counts = { enqueue: 2_000, drain: Number(values.jobs), latency: 300 };

const directory = await mkdtemp(path.join(tmpdir(), "orbit-bench-"));
const postgres = await startEmbeddedPostgres({ directory });
try {
  const pool = new Pool({ connectionString: postgres.url });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  await graphile({ databaseUrl: postgres.url }).migrate(pool);
  const tidy = async () =>
    void (await pool.query("vacuum (analyze) graphile_worker._private_jobs"));

  const raw = await rawEngine("raw", postgres.url, concurrency, oursForRaw(concurrency));
  const untuned = await rawEngine("defaults", postgres.url, concurrency, {});
  const orbit = orbitEngine(postgres.url, concurrency);
  await measure([raw, orbit], { enqueue: 200, drain: 2_000, latency: 100 }, tidy);

  const rounds: Rounds = { raw: [], orbit: [], untuned: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    // The engines take turns at going first, because each one leaves the database in another state.
    const turned = round % 2 === 1;
    const figures = await measure(turned ? [orbit, raw] : [raw, orbit], counts, tidy);
    const [first, second] = figures;
    if (!first || !second) throw new Error("a round measured nothing");
    rounds.raw.push(turned ? second : first);
    rounds.orbit.push(turned ? first : second);
  }
  rounds.untuned.push(...(await measure([untuned], { ...counts, drain: 5_000 }, tidy)));
  report(rounds);
  await benchWebhook(Number(values.rounds));
  await Promise.all([raw.close(), untuned.close(), orbit.close(), pool.end()]);
} finally {
  await postgres.stop();
  await rm(postgres.directory, { recursive: true, force: true });
  await rm(directory, { recursive: true, force: true });
}

function report(rounds: Rounds): void {
  const row = (
    title: string,
    summary: (figures: readonly Figures[]) => number,
    better: "more" | "less",
  ) => {
    const [ours, theirs] = [summary(rounds.orbit), summary(rounds.raw)];
    const ratio = better === "more" ? ours / theirs : theirs / ours;
    const shown = (value: number) => value.toFixed(better === "more" ? 0 : 2);
    return [title, shown(ours), shown(theirs), ratio.toFixed(2), shown(summary(rounds.untuned))];
  };
  const median = (key: keyof Throughput) => (figures: readonly Figures[]) =>
    percentile(
      figures.map((figure) => figure[key]),
      0.5,
    );
  const latency = (fraction: number) => (figures: readonly Figures[]) =>
    percentile(
      figures.flatMap(({ latencies }) => latencies),
      fraction,
    );
  const table = [
    ["", "Orbit Jobs", "graphile-worker, same settings", "ratio", "graphile-worker, its defaults"],
    row("enqueue, jobs/s", median("enqueue"), "more"),
    row("enqueueMany, jobs/s", median("enqueueMany"), "more"),
    row(`drain of ${counts.drain}, jobs/s`, median("drain"), "more"),
    row("start latency p50, ms", latency(0.5), "less"),
    row("start latency p99, ms", latency(0.99), "less"),
  ];
  console.log(
    `Concurrency ${concurrency}, ${values.rounds} rounds, medians. A ratio above 1 means that Orbit Jobs is faster.\n`,
  );
  printTable(table);
}
