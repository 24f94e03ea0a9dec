import type { ObservableJobRuntime } from "../../application/job-runtime.ts";
import type { JobLogger } from "../../application/ports.ts";
import type { Repetition } from "../../application/repeat.ts";
import { createIntake, type Intake } from "./intake.ts";
import type { ScheduleChanges } from "./schedules.ts";

export interface QStashJobRuntimeOptions {
  /** Of the dispatcher, where this process has one. */
  readonly intake?: Intake | undefined;
  /** Of the outbox, where this process is to publish what was left in it. */
  readonly sweeper?: Repetition | undefined;
  /** Tells QStash what it has to know of this app before it delivers. */
  readonly sync: () => Promise<ScheduleChanges>;
  /** What running handlers get when the runtime stops, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly log: JobLogger;
}

/**
 * The part of QStash's work that a process has: `start()` brings the schedules up to date and opens
 * the webhook, `stop()` lets what is in flight end while every other delivery is sent elsewhere.
 */
export class QStashJobRuntime implements ObservableJobRuntime {
  readonly provider = "qstash";
  readonly #options: QStashJobRuntimeOptions;
  readonly #intake: Intake;
  #starting: Promise<void> | undefined;
  #stopped: Promise<void> = Promise.resolve();

  constructor(options: QStashJobRuntimeOptions) {
    this.#options = options;
    this.#intake = options.intake ?? createIntake();
  }

  get connected(): boolean {
    return this.#intake.open;
  }

  start(): Promise<void> {
    if (this.#starting) return this.#starting;
    // A stop that is under way comes to its end first.
    const starting: Promise<void> = this.#stopped.then(() =>
      this.#open(() => this.#starting === starting),
    );
    this.#starting = starting;
    starting.catch(() => {
      if (this.#starting === starting) this.#starting = undefined;
    });
    return starting;
  }

  stop(): Promise<void> {
    const { shutdownGraceMs } = this.#options;
    const [starting, earlier] = [this.#starting, this.#stopped];
    this.#starting = undefined;
    this.#stopped = Promise.all([
      earlier,
      // A start that failed has told its caller so.
      starting?.catch(() => undefined),
      this.#intake.close(shutdownGraceMs),
      this.#options.sweeper?.stop(),
    ]).then(() => undefined);
    return this.#stopped;
  }

  async #open(isWanted: () => boolean): Promise<void> {
    const { sync, log } = this.#options;
    if (!isWanted()) return;
    const changes = await sync();
    if (changes.created.length + changes.updated.length + changes.deleted.length > 0) {
      log.info({ ...changes }, "QStash's schedules were brought up to date");
    }
    if (!isWanted()) return;
    this.#intake.reopen();
    this.#options.sweeper?.start();
  }
}
