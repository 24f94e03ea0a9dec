import type { Clock, Timer } from "#src/clock.ts";
import { Lane } from "#src/engine/lane.ts";
import type { FlowControl } from "#src/protocol/flow-control.ts";

/** The state of one flow-control key. Each attempt of a message counts. */
export interface FlowKey {
  readonly key: string;
  readonly lane: Lane;
  parallelism: number | undefined;
  rate: number | undefined;
  periodMs: number;
  paused: boolean;
  pinnedParallelism: boolean;
  pinnedRate: boolean;
  periodStart: number;
  periodCount: number;
  nextPeriod?: Timer | undefined;
}

export interface Pin {
  readonly parallelism?: number | undefined;
  readonly rate?: number | undefined;
  readonly periodMs?: number | undefined;
}

const MAX_KEYS = 10_000;

/** Limits how many deliveries of a key run at a time and start in a period. */
export class FlowControls {
  readonly #keys = new Map<string, FlowKey>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  find(key: string): FlowKey | undefined {
    return this.#keys.get(key);
  }

  /** Lists the keys that contain a text. */
  list(search = ""): FlowKey[] {
    return [...this.#keys.values()].filter(({ key }) => key.includes(search));
  }

  /** Applies the limits of a new message to its key, except pinned ones. */
  configure({ key, parallelism, rate, periodMs }: FlowControl): FlowKey {
    const flow = this.open(key);
    if (!flow.pinnedParallelism) flow.parallelism = parallelism;
    if (!flow.pinnedRate) Object.assign(flow, { rate, periodMs });
    this.#pump(flow);
    return flow;
  }

  pause(key: string, paused: boolean): void {
    const flow = this.open(key);
    flow.paused = paused;
    this.#pump(flow);
  }

  /** Fixes the given limits against later messages, and begins a new period. */
  pin(key: string, { parallelism, rate, periodMs }: Pin): void {
    const flow = this.open(key);
    if (parallelism !== undefined) Object.assign(flow, { parallelism, pinnedParallelism: true });
    if (rate !== undefined) Object.assign(flow, { rate, pinnedRate: true });
    if (periodMs !== undefined) flow.periodMs = periodMs;
    this.resetRate(key);
  }

  /** Lets later messages change the limits again. */
  unpin(key: string, { parallelism, rate }: { parallelism: boolean; rate: boolean }): void {
    const flow = this.open(key);
    if (parallelism) flow.pinnedParallelism = false;
    if (rate) flow.pinnedRate = false;
  }

  /** Begins a new period. */
  resetRate(key: string): void {
    const flow = this.open(key);
    this.#beginPeriod(flow);
    this.#pump(flow);
  }

  /** Begins a new period, and forgets the deliveries that run. */
  reset(key: string): void {
    this.resetRate(key);
    this.open(key).lane.reset();
  }

  open(key: string): FlowKey {
    const known = this.#keys.get(key);
    if (known) return known;
    this.#forgetIdle();
    const flow: FlowKey = {
      key,
      lane: new Lane((active) => this.#mayStart(flow, active)),
      parallelism: undefined,
      rate: undefined,
      periodMs: 1_000,
      paused: false,
      pinnedParallelism: false,
      pinnedRate: false,
      periodStart: this.#clock.now(),
      periodCount: 0,
    };
    this.#keys.set(key, flow);
    return flow;
  }

  #mayStart(flow: FlowKey, active: number): boolean {
    if (flow.paused || active >= (flow.parallelism ?? Number.POSITIVE_INFINITY)) return false;
    if (flow.rate === undefined) return true;
    if (this.#clock.now() >= flow.periodStart + flow.periodMs) this.#beginPeriod(flow);
    if (flow.periodCount < flow.rate) {
      flow.periodCount++;
      return true;
    }
    const untilNext = flow.periodStart + flow.periodMs - this.#clock.now();
    flow.nextPeriod ??= this.#clock.setTimer(untilNext, () => {
      flow.nextPeriod = undefined;
      flow.lane.pump();
    });
    return false;
  }

  #beginPeriod(flow: FlowKey): void {
    flow.periodStart = this.#clock.now();
    flow.periodCount = 0;
  }

  /** Starts what may start. Drops the timer first, since a changed period makes it wrong. */
  #pump(flow: FlowKey): void {
    flow.nextPeriod?.cancel();
    flow.nextPeriod = undefined;
    flow.lane.pump();
  }

  #forgetIdle(): void {
    if (this.#keys.size < MAX_KEYS) return;
    for (const [key, { lane, paused, pinnedParallelism, pinnedRate }] of this.#keys) {
      const idle = lane.waiting + lane.active === 0;
      if (idle && !paused && !pinnedParallelism && !pinnedRate) this.#keys.delete(key);
    }
  }

  close(): void {
    for (const flow of this.#keys.values()) flow.nextPeriod?.cancel();
  }
}
