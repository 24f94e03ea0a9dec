/** A fact about the domain, published after its transaction has committed. */
export interface DomainEvent {
  readonly type: string;
}

/** Collects the events of a transaction. */
export interface EventRecorder {
  record(event: DomainEvent): void;
}

/** Passes committed events to their subscribers. */
export interface EventPublisher {
  publish(events: readonly DomainEvent[]): Promise<void>;
}

/** Reacts to a committed event. A failure is logged and rolls nothing back. */
export type EventSubscriber = (event: DomainEvent) => Promise<void>;
