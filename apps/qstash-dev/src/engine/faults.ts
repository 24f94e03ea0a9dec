export const FAULT_NAMES = [
  "duplicate",
  "reorder",
  "delay",
  "drop-answer",
  "answer-500",
  "answer-429",
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];

export interface Fault {
  /** From 0 (never) to 1 (always). */
  readonly probability: number;
  /** The fault switches itself off after this many times. By default it stays on. */
  readonly times?: number | undefined;
  /** The longest delay of `delay` in milliseconds, by default 30,000. */
  readonly longest?: number | undefined;
}

const LONGEST_DELAY_MS = 30_000;

/** A number is a probability. */
export type FaultSettings = Readonly<Partial<Record<FaultName, number | Fault>>>;

/** The faults that are switched on. */
export class Faults {
  readonly #on = new Map<FaultName, Fault>();
  readonly #random: () => number;

  constructor(settings: FaultSettings = {}, random: () => number = Math.random) {
    this.#random = random;
    this.set(settings);
  }

  /** Switches the given faults on, or off with a probability of 0. Leaves the others alone. */
  set(settings: FaultSettings): void {
    for (const name of FAULT_NAMES) {
      const setting = settings[name];
      if (setting === undefined) continue;
      const fault = typeof setting === "number" ? { probability: setting } : setting;
      if (fault.probability > 0) this.#on.set(name, fault);
      else this.#on.delete(name);
    }
  }

  clear(): void {
    this.#on.clear();
  }

  get current(): FaultSettings {
    return Object.fromEntries(this.#on);
  }

  /** Decides whether the fault happens now, and counts it. */
  strikes(name: FaultName): boolean {
    const fault = this.#on.get(name);
    if (!fault || this.#random() >= fault.probability) return false;
    if (fault.times !== undefined) {
      if (fault.times > 1) this.#on.set(name, { ...fault, times: fault.times - 1 });
      else this.#on.delete(name);
    }
    return true;
  }

  /** How long the faults postpone a delivery. `reorder` lets others overtake it. */
  postponementMs(): number {
    const overtaken = this.strikes("reorder") ? 1_000 : 0;
    const longest = this.#on.get("delay")?.longest ?? LONGEST_DELAY_MS;
    const shortest = Math.min(1_000, longest);
    if (!this.strikes("delay")) return overtaken;
    return overtaken + shortest + Math.floor(this.#random() * (longest - shortest));
  }
}
