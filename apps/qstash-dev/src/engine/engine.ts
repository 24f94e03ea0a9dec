import { type Clock, callersNow, type Timer } from "#src/clock.ts";
import {
  type AttemptResult,
  attempt,
  delayAfter,
  errorOf,
  failureDetails,
  isNonRetryable,
  isSuccess,
  type Send,
} from "#src/engine/attempt.ts";
import { callbackMessage } from "#src/engine/callback-message.ts";
import type { Faults } from "#src/engine/faults.ts";
import type { FlowControls } from "#src/engine/flow-controls.ts";
import type { Queues } from "#src/engine/queues.ts";
import { Slot } from "#src/engine/lane.ts";
import type { SigningKeys } from "#src/engine/signing.ts";
import type { CallbackOptions } from "#src/protocol/message-options.ts";
import type { DeadLetters } from "#src/store/dlq.ts";
import type { Log } from "#src/store/log.ts";
import type { Message } from "#src/store/message.ts";

export interface EngineOptions {
  readonly clock: Clock;
  readonly wallNow: () => number;
  readonly send: Send;
  readonly keys: SigningKeys;
  readonly log: Log;
  readonly dlq: DeadLetters;
  readonly queues: Queues;
  readonly flows: FlowControls;
  readonly faults: Faults;
}

export type Fate = "SUCCESS" | "FAIL";

/** A message that is not delivered, failed or cancelled yet. */
interface Pending {
  readonly message: Message;
  retried: number;
  timer?: Timer;
  slot?: Slot;
  /** Whether it waits for its time. */
  waiting: boolean;
  over: boolean;
}

/**
 * Delivers messages. A message waits for its time, then for a place in its queue, which it keeps
 * until it ends. Each attempt then waits for its flow-control key. A failed attempt leads to a
 * retry, or to the dead letter queue when no retry is left.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #closing = new AbortController();
  #onFate: (message: Message, fate: Fate) => void = () => undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** Calls the listener when a message ends. */
  onFate(listener: (message: Message, fate: Fate) => void): void {
    this.#onFate = listener;
  }

  /** Finds a message that is not delivered, failed or cancelled yet. */
  find(id: string): Message | undefined {
    return this.#pending.get(id)?.message;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Lists the messages that are not delivered, failed or cancelled yet, oldest first. */
  list(): Message[] {
    return [...this.#pending.values()].map(({ message }) => message);
  }

  /** Takes a message. A callback passes the slot of its source, which stays in its queue for it. */
  accept(message: Message, slot?: Slot): void {
    const { clock, log, queues, flows } = this.#options;
    if (message.queueName !== undefined) queues.open(message.queueName);
    if (message.flowControl) flows.configure(message.flowControl);
    const pending: Pending = {
      message,
      retried: 0,
      waiting: true,
      over: false,
      ...(slot && { slot }),
    };
    this.#pending.set(message.id, pending);
    log.add(clock.now(), "CREATED", message, { nextDeliveryTime: message.notBefore });
    this.#wait(pending, message.notBefore - clock.now());
  }

  /** Delivers a message now that waits for its time. Returns false if it does not wait. */
  runNow(id: string): boolean {
    const pending = this.#pending.get(id);
    if (!pending?.waiting) return false;
    pending.timer?.cancel();
    this.#wait(pending, 0);
    return true;
  }

  /** Ends a message. A running attempt goes on, but its result is ignored. */
  cancel(id: string): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    const { clock, log, queues, flows } = this.#options;
    const { queueName, flowControl } = pending.message;
    pending.timer?.cancel();
    if (queueName !== undefined) queues.find(queueName)?.lane.withdraw(id);
    if (flowControl) flows.find(flowControl.key)?.lane.withdraw(id);
    log.add(clock.now(), "CANCEL_REQUESTED", pending.message);
    log.add(clock.now(), "CANCELED", pending.message);
    this.#end(pending);
    this.#onFate(pending.message, "FAIL");
  }

  /** Stops all deliveries and aborts the running attempts. */
  close(): void {
    this.#closing.abort();
    for (const { timer } of this.#pending.values()) timer?.cancel();
  }

  #wait(pending: Pending, delayMs: number): void {
    const postponed = this.#options.faults.postponementMs();
    pending.waiting = true;
    pending.timer = this.#options.clock.setTimer(delayMs + postponed, () => this.#due(pending));
  }

  #due(pending: Pending): void {
    const { queueName, id } = pending.message;
    pending.waiting = false;
    if (queueName === undefined || pending.slot) {
      this.#enterFlow(pending);
      return;
    }
    this.#options.queues.open(queueName).lane.enter(id, (leave) => {
      pending.slot = new Slot(leave);
      this.#enterFlow(pending);
    });
  }

  #enterFlow(pending: Pending): void {
    const { flowControl, id } = pending.message;
    const { clock, flows } = this.#options;
    // Through a timer, so that a virtual clock waits for the attempt.
    const start = (leave: () => void) =>
      void clock.setTimer(0, () => this.#attempt(pending).finally(leave));
    if (flowControl) flows.open(flowControl.key).lane.enter(id, start);
    else start(() => undefined);
  }

  async #attempt(pending: Pending): Promise<void> {
    const { clock, log } = this.#options;
    if (pending.over || this.#closing.signal.aborted) return;
    log.add(clock.now(), "ACTIVE", pending.message);
    const result = await this.#send(pending);
    if (pending.over || this.#closing.signal.aborted) return;

    const { callback } = pending.message;
    if (callback) this.#call(callback, pending, result);
    if (!isSuccess(result)) {
      this.#failed(pending, result);
      return;
    }
    log.add(clock.now(), "DELIVERED", pending.message);
    this.#end(pending);
    this.#onFate(pending.message, "SUCCESS");
    // At-least-once delivery can deliver twice.
    if (this.#options.faults.strikes("duplicate")) await this.#send(pending);
  }

  #send({ message, retried }: Pending): Promise<AttemptResult> {
    const { send, keys, wallNow } = this.#options;
    return attempt(message, retried, {
      send,
      signingKey: keys.pair.current,
      wallNow: wallNow(),
      closing: this.#closing.signal,
    });
  }

  #failed(pending: Pending, result: AttemptResult): void {
    const { clock, log, dlq } = this.#options;
    const { message, retried } = pending;
    log.add(clock.now(), "ERROR", message, failureDetails(result));
    if (!isNonRetryable(result) && retried < message.maxRetries) {
      this.#retry(pending, result);
      return;
    }
    const { dlqId } = dlq.add({
      message,
      failedAt: clock.now(),
      ...(result.answer && { response: result.answer }),
    });
    log.add(clock.now(), "FAILED", message, { error: errorOf(result) });
    if (message.failureCallback) this.#call(message.failureCallback, pending, result, dlqId);
    this.#end(pending);
    this.#onFate(message, "FAIL");
  }

  #retry(pending: Pending, result: AttemptResult): void {
    const { clock, log } = this.#options;
    const { message, retried } = pending;
    const now = clock.now();
    const delayMs = delayAfter(
      result,
      message,
      retried,
      callersNow(clock, this.#options.wallNow()),
    );
    pending.retried++;
    log.add(now, "RETRY", message, { error: errorOf(result), nextDeliveryTime: now + delayMs });
    this.#wait(pending, delayMs);
  }

  #call(
    options: CallbackOptions,
    { message: source, retried, slot }: Pending,
    result: AttemptResult,
    dlqId?: string,
  ): void {
    const input = { source, options, result, retried, dlqId, clock: this.#options.clock };
    this.accept(callbackMessage(input), slot?.retain());
  }

  #end(pending: Pending): void {
    pending.over = true;
    this.#pending.delete(pending.message.id);
    pending.slot?.release();
  }
}
