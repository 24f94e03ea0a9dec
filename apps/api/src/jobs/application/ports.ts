/** Structured logging, fields first; a pino logger is one. */
export interface JobLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: Record<string, unknown>): JobLogger;
}

/** One SQL statement on a connection or in a transaction. Rejects with the database's own error. */
export interface SqlExecutor {
  query(text: string, values: readonly unknown[]): Promise<{ rows: unknown[] }>;
}

/** Tells the time; injected, so that tests can set it. */
export interface JobClock {
  now(): Date;
}
