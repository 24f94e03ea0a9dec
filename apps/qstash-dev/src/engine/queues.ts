import { Lane } from "#src/engine/lane.ts";

/** A queue: first in, first out; a message keeps its place until its fate is sealed. */
export interface Queue {
  readonly name: string;
  readonly createdAt: number;
  readonly lane: Lane;
  updatedAt: number;
  parallelism: number;
  paused: boolean;
}

export interface QueueSettings {
  readonly parallelism?: number | undefined;
  readonly paused?: boolean | undefined;
}

/** The queues. Naming one is enough to make it. */
export class Queues {
  readonly #queues = new Map<string, Queue>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  find(name: string): Queue | undefined {
    return this.#queues.get(name);
  }

  list(): Queue[] {
    return [...this.#queues.values()];
  }

  /** The queue of that name, made with a parallelism of 1 if there is none. */
  open(name: string): Queue {
    const known = this.#queues.get(name);
    if (known) return known;
    const queue: Queue = {
      name,
      createdAt: this.#now(),
      updatedAt: this.#now(),
      parallelism: 1,
      paused: false,
      lane: new Lane((active) => !queue.paused && active < queue.parallelism),
    };
    this.#queues.set(name, queue);
    return queue;
  }

  /** Changes what is given, and lets go what may go now. */
  configure(name: string, { parallelism, paused }: QueueSettings): void {
    const queue = this.open(name);
    queue.parallelism = parallelism ?? queue.parallelism;
    queue.paused = paused ?? queue.paused;
    queue.updatedAt = this.#now();
    queue.lane.pump();
  }

  remove(name: string): void {
    this.#queues.delete(name);
  }
}
