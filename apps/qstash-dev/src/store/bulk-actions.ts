import { randomId } from "#src/store/message.ts";

/** A bulk cancel by filter. It finishes before its request is answered. */
export interface BulkAction {
  readonly sequence: number;
  readonly actionId: string;
  readonly kind: "cancel";
  readonly state: "FINISHED";
  /** How many messages matched the filter. */
  readonly total: number;
  readonly processed: number;
  readonly createdAt: number;
  readonly completedAt: number;
  readonly filter: Readonly<Record<string, readonly string[]>>;
}

const KEPT_MS = 7 * 86_400_000;
const CAPACITY = 1_000;

/** The bulk cancels of the last seven days, at most {@link CAPACITY}. */
export class BulkActions {
  #actions: BulkAction[] = [];
  #sequence = 0;

  add(total: number, filter: BulkAction["filter"], now: number): BulkAction {
    const action: BulkAction = {
      sequence: ++this.#sequence,
      actionId: randomId("ba"),
      kind: "cancel",
      state: "FINISHED",
      total,
      processed: total,
      createdAt: now,
      completedAt: now,
      filter,
    };
    this.#actions.push(action);
    return action;
  }

  list(now: number): readonly BulkAction[] {
    this.#actions = this.#actions
      .filter(({ createdAt }) => createdAt + KEPT_MS > now)
      .slice(-CAPACITY);
    return this.#actions;
  }
}
