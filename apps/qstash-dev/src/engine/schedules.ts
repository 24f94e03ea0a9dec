import type { Clock, Timer } from "#src/clock.ts";
import type { CronExpression } from "#src/engine/cron.ts";
import type { Fate } from "#src/engine/engine.ts";
import type { Publisher, PublishRequest } from "#src/engine/publisher.ts";
import type { Message } from "#src/store/message.ts";

/** A schedule as it was created. */
export interface ScheduleDefinition {
  readonly id: string;
  readonly cronText: string;
  readonly cron: CronExpression;
  readonly request: PublishRequest;
}

export interface Schedule extends ScheduleDefinition {
  readonly createdAt: number;
  readonly states: Map<string, Fate | "IN_PROGRESS">;
  paused: boolean;
  lastTick?: number;
  nextTick?: number;
  timer?: Timer;
}

export interface SchedulesOptions {
  readonly clock: Clock;
  readonly publisher: Publisher;
  /** Reports a tick that could not be published. */
  readonly onError: (schedule: Schedule, error: unknown) => void;
}

const KEPT_STATES = 10;

/** The schedules. Each tick publishes one message. A paused schedule skips its ticks for good. */
export class Schedules {
  readonly #schedules = new Map<string, Schedule>();
  readonly #options: SchedulesOptions;

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  find(id: string): Schedule | undefined {
    return this.#schedules.get(id);
  }

  list(): Schedule[] {
    return [...this.#schedules.values()];
  }

  /** Creates a schedule, or replaces the one with the same id. */
  put(definition: ScheduleDefinition): void {
    this.remove(definition.id);
    const schedule: Schedule = {
      ...definition,
      createdAt: this.#options.clock.now(),
      states: new Map(),
      paused: false,
    };
    this.#schedules.set(schedule.id, schedule);
    this.#arm(schedule);
  }

  remove(id: string): void {
    this.#schedules.get(id)?.timer?.cancel();
    this.#schedules.delete(id);
  }

  /** Records the end of a message in the schedule that sent it. */
  recordFate({ id, scheduleId }: Message, fate: Fate): void {
    const states = scheduleId === undefined ? undefined : this.find(scheduleId)?.states;
    if (states?.has(id)) states.set(id, fate);
  }

  close(): void {
    for (const { timer } of this.#schedules.values()) timer?.cancel();
  }

  #arm(schedule: Schedule): void {
    const { clock } = this.#options;
    const next = schedule.cron.next(clock.now());
    if (next === undefined) {
      delete schedule.nextTick;
      return;
    }
    schedule.nextTick = next;
    schedule.timer = clock.setTimer(next - clock.now(), () => {
      if (!schedule.paused) this.#tick(schedule);
      this.#arm(schedule);
    });
  }

  #tick(schedule: Schedule): void {
    schedule.lastTick = this.#options.clock.now();
    try {
      const receipts = [this.#options.publisher.publish(schedule.request)].flat();
      for (const { messageId } of receipts) schedule.states.set(messageId, "IN_PROGRESS");
    } catch (error) {
      this.#options.onError(schedule, error);
    }
    const tooMany = schedule.states.size - KEPT_STATES;
    for (const id of [...schedule.states.keys()].slice(0, Math.max(0, tooMany))) {
      schedule.states.delete(id);
    }
  }
}
