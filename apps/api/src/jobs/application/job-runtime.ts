/** The port that a process starts to execute jobs. */
export interface JobRuntime {
  readonly provider: string;

  /** Resolves when the runtime takes jobs. If it rejects, nothing is left running. */
  start(): Promise<void>;

  /**
   * Takes no new jobs, gives running handlers their grace, and resolves when nothing of the runtime is
   * left. Safe to call again, and during `start()`.
   */
  stop(): Promise<void>;
}

/** A runtime that shows whether it takes jobs right now. */
export interface ObservableJobRuntime extends JobRuntime {
  /** `undefined` where the provider runs nothing. */
  readonly connected: boolean | undefined;
}
