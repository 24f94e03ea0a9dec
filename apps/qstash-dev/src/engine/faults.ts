/** The faults that can be switched on. */
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
  /** From 0, never, to 1, always. */
  readonly probability: number;
  /** It strikes this often and is then switched off. By default it stays on. */
  readonly times?: number | undefined;
  /** Of `delay`: by how many milliseconds at most, 30,000 by default. */
  readonly longest?: number | undefined;
}

const LONGEST_DELAY_MS = 30_000;

/** A probability, or more. */
export type FaultSettings = Readonly<Partial<Record<FaultName, number | Fault>>>;

/** Which faults are on. */
export class Faults {
  readonly #on = new Map<FaultName, Fault>();
  readonly #random: () => number;

  constructor(settings: FaultSettings = {}, random: () => number = Math.random) {
    this.#random = random;
    this.set(settings);
  }

  /** Switches the named faults on or, with a probability of 0, off; the others stay as they are. */
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

  /** Those that are on. */
  get current(): FaultSettings {
    return Object.fromEntries(this.#on);
  }

  /** Whether the fault happens this time. */
  strikes(name: FaultName): boolean {
    const fault = this.#on.get(name);
    if (!fault || this.#random() >= fault.probability) return false;
    if (fault.times !== undefined) {
      if (fault.times > 1) this.#on.set(name, { ...fault, times: fault.times - 1 });
      else this.#on.delete(name);
    }
    return true;
  }

  /** By how much a delivery is put off: long enough for others to overtake it, or at random. */
  postponementMs(): number {
    const overtaken = this.strikes("reorder") ? 1_000 : 0;
    const longest = this.#on.get("delay")?.longest ?? LONGEST_DELAY_MS;
    const shortest = Math.min(1_000, longest);
    if (!this.strikes("delay")) return overtaken;
    return overtaken + shortest + Math.floor(this.#random() * (longest - shortest));
  }
}
