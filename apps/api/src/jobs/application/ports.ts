/** Structured logging, fields first. A pino logger fits. */
export interface JobLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): JobLogger;
}

/** Runs one SQL statement on a connection or in a transaction. Rejects with the database's own error. */
export interface SqlExecutor {
  query(text: string, values: readonly unknown[]): Promise<{ rows: unknown[] }>;
}

/** A connection taken from a pool. */
export interface SqlConnection {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  /** Gives the connection back, or closes it where `destroy` is true. */
  release(destroy?: boolean): void;
}

/** A pool of Postgres connections. pg's `Pool` fits. */
export interface SqlPool {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  connect(): Promise<SqlConnection>;
}

/** Tells the time. Injected, so that tests can set it. */
export interface JobClock {
  now(): Date;
}

export const systemClock: JobClock = { now: () => new Date() };
