/** What a process boots to have its jobs executed. */
export interface JobRuntime {
  readonly provider: string;

  /** Resolves when jobs are being taken. Rejects, with nothing left running, when it cannot work. */
  start(): Promise<void>;

  /**
   * Takes nothing new, gives running handlers their grace and resolves when nothing of the runtime
   * is left. May be called again, and during `start()`.
   */
  stop(): Promise<void>;
}
