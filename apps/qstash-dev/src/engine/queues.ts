import { Lane } from "#src/engine/lane.ts";

/** A first-in, first-out queue. A message keeps its place until it is delivered or fails. */
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

/** The queues. First use creates a queue. */
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

  /** Returns the queue, and creates it with a parallelism of 1 if there is none. */
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

  /** Changes the given settings, and starts the messages that may start now. */
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
