import { seeded } from "../../test/support/seeded.ts";

/** A fault to inject, `at` milliseconds after the beginning. */
export type Fault =
  | { readonly at: number; readonly kind: "kill" | "terminate" | "cut"; readonly target: string }
  | {
      readonly at: number;
      readonly kind: "freeze" | "stall";
      readonly target: string;
      readonly ms: number;
    }
  | {
      readonly at: number;
      readonly kind: "restart";
      readonly how: "fast" | "immediate";
      readonly ms: number;
    };

export type FaultKind = Fault["kind"];

export interface PlanOptions {
  readonly seed: string;
  readonly durationMs: number;
  /** 2 injects faults twice as often. */
  readonly pace: number;
  readonly workers: readonly string[];
  readonly enqueuer: string;
}

/** Seconds between two faults of a kind. */
const EVERY: Readonly<Record<FaultKind, number>> = {
  kill: 4.5,
  freeze: 20,
  terminate: 20,
  cut: 12,
  stall: 20,
  restart: 50,
};

const KINDS = ["kill", "freeze", "terminate", "cut", "stall", "restart"] as const;

/** Every n-th fault of a kind hits the enqueuer. The others hit workers. */
const ENQUEUER_SHARE = 8;

/** Every n-th freeze or stall is long. */
const LONG_SHARE = 4;

/** All faults in order of time. The same options give the same plan. */
export function planFaults(options: PlanOptions): readonly Fault[] {
  return KINDS.flatMap((kind) => faultsOf(kind, options)).toSorted((a, b) => a.at - b.at);
}

function faultsOf(kind: FaultKind, options: PlanOptions): Fault[] {
  const { seed, durationMs, pace, workers, enqueuer } = options;
  const random = seeded(`${seed} ${kind}`);
  const count = Math.max(1, Math.round((durationMs / 1_000 / EVERY[kind]) * pace));
  const share = durationMs / count;
  return Array.from({ length: count }, (_, index): Fault => {
    // Each fault gets its own share of the time, so that faults of a kind neither bunch up nor leave long gaps.
    const at = Math.round((index + 0.1 + 0.8 * random()) * share);
    const victim = workers[Math.floor(random() * workers.length)] ?? enqueuer;
    const hitsEnqueuer = index % ENQUEUER_SHARE === ENQUEUER_SHARE - 1;
    const target = hitsEnqueuer ? enqueuer : victim;
    const isLong = index % LONG_SHARE === LONG_SHARE - 1;
    const [least, most] = isLong ? [6_000, 9_000] : [500, 4_000];
    const ms = Math.round(Math.min(least + random() * (most - least), durationMs / 4));
    switch (kind) {
      case "kill":
      case "terminate":
      case "cut":
        return { kind, at, target };
      case "freeze":
      case "stall":
        return { kind, at, target, ms };
      case "restart":
        return {
          kind,
          at,
          how: index % 2 === 0 ? "immediate" : "fast",
          ms: Math.round(random() * 1_000),
        };
    }
  });
}

export function describeFault(fault: Fault): string {
  const what = [
    (fault.at / 1_000).toFixed(1).padStart(7),
    fault.kind.padEnd(9),
    "target" in fault ? fault.target : fault.how,
    "ms" in fault ? `${(fault.ms / 1_000).toFixed(1)} s` : "",
  ];
  return what.join("  ").trimEnd();
}
