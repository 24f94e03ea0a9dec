/** Something that happened, told after the transaction that made it true has committed. */
export interface DomainEvent {
  readonly type: string;
}

/** Collects what happens in a transaction. */
export interface EventRecorder {
  record(event: DomainEvent): void;
}

/** Hands committed events to who wants them. */
export interface EventPublisher {
  publish(events: readonly DomainEvent[]): Promise<void>;
}

/** A reaction to committed events. A failure is logged and undoes nothing. */
export type EventSubscriber = (event: DomainEvent) => Promise<void>;
