/** Every type of event with its data, which must be JSON. Features merge their own members. */
// oxlint-disable-next-line typescript/no-empty-object-type -- features merge their own members
export interface DomainEvents {}

export type EventType = Extract<keyof DomainEvents, string>;

/** A fact about the domain, before it is recorded. */
export type NewDomainEvent = {
  [T in EventType]: { readonly type: T; readonly data: DomainEvents[T] };
}[EventType];

/** A recorded fact about the domain. */
export interface DomainEvent {
  /** A UUID. Each projector applies the event once under this id. */
  readonly id: string;
  readonly type: string;
  /** Check it before use: the code that recorded the event may have been an earlier version. */
  readonly data: unknown;
  readonly occurredAt: Date;
}

/** The events of the domain, inside a transaction. */
export interface EventLog {
  /**
   * Stores the event and enqueues a job for each projector of its type. All of it commits and rolls back
   * with the transaction. Without a job provider the event is stored alone, and a warning is logged.
   */
  record(event: NewDomainEvent): Promise<DomainEvent>;
  findById(id: string): Promise<DomainEvent | undefined>;
  /** Notes that the projector has applied the event. An event that all have applied may be pruned. */
  markProjected(id: string, projector: string): Promise<void>;
}
