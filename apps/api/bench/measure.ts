import type { Engine } from "./engines.ts";

/** Jobs per second. */
export interface Throughput {
  readonly enqueue: number;
  readonly enqueueMany: number;
  readonly drain: number;
}

/** The figures of one engine in one round. */
export interface Figures extends Throughput {
  /** Milliseconds from the call of enqueue to the start of the handler. */
  readonly latencies: readonly number[];
}

export interface Counts {
  readonly enqueue: number;
  readonly drain: number;
  readonly latency: number;
}

/** Turns are small, so that a slow second of the machine affects all engines alike. */
const ENQUEUES_PER_TURN = 100;
const LATENCIES_PER_TURN = 100;

/**
 * Measures everything once. The engines take turns, and the figures are in their order. `tidy` vacuums the
 * database: dead rows of an earlier turn would cost more than the engine under test.
 */
export async function measure(
  engines: readonly Engine[],
  counts: Counts,
  tidy: () => Promise<void>,
): Promise<Figures[]> {
  await tidy();
  const spent = engines.map(() => 0);
  for (let done = 0; done < counts.enqueue; done += ENQUEUES_PER_TURN) {
    for (const [index, engine] of engines.entries()) {
      spent[index] = (spent[index] ?? 0) + (await time(() => enqueueOneByOne(engine)));
    }
  }
  await drainAll(engines, counts.enqueue);

  const figures: Figures[] = [];
  for (const [index, engine] of engines.entries()) {
    await tidy();
    const stored = await time(() => engine.enqueueMany(counts.drain));
    figures[index] = {
      enqueue: (counts.enqueue * 1_000) / (spent[index] ?? 0),
      enqueueMany: (counts.drain * 1_000) / stored,
      drain: await drain(engine, counts.drain),
      latencies: [],
    };
  }

  await tidy();
  const latencies = engines.map((): number[] => []);
  for (let done = 0; done < counts.latency; done += LATENCIES_PER_TURN) {
    for (const [index, engine] of engines.entries()) {
      latencies[index]?.push(...(await startLatencies(engine)));
    }
  }
  return figures.map((figure, index) => Object.assign(figure, { latencies: latencies[index] }));
}

/** The jobs of all engines have the same name, so one engine can run them all. */
async function drainAll(engines: readonly Engine[], each: number): Promise<void> {
  const [engine] = engines;
  if (engine) await drain(engine, each * engines.length);
}

async function enqueueOneByOne(engine: Engine): Promise<void> {
  for (let number = 0; number < ENQUEUES_PER_TURN; number++) await engine.enqueue(number);
}

/** Jobs per second from the first run to the last, so that starting a worker does not count. */
async function drain(engine: Engine, count: number): Promise<number> {
  const done = Promise.withResolvers<number>();
  let runs = 0;
  let first = 0;
  const stop = await engine.work(() => {
    runs += 1;
    if (runs === 1) first = performance.now();
    if (runs === count) done.resolve((count * 1_000) / (performance.now() - first));
  });
  const result = await done.promise;
  await stop();
  return result;
}

async function startLatencies(engine: Engine): Promise<number[]> {
  const latencies: number[] = [];
  let onRun: () => void = () => undefined;
  const stop = await engine.work(() => onRun());
  for (let number = -10; number < LATENCIES_PER_TURN; number++) {
    const ran = Promise.withResolvers<number>();
    onRun = () => ran.resolve(performance.now());
    const called = performance.now();
    await engine.enqueue(number);
    const latency = (await ran.promise) - called;
    // The first runs are slower: caches and connections are cold.
    if (number >= 0) latencies.push(latency);
  }
  await stop();
  return latencies;
}

async function time(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}
