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

/** A runtime that can tell whether jobs are being taken at this moment. */
export interface ObservableJobRuntime extends JobRuntime {
  readonly connected: boolean;
}

export function isObservable(runtime: JobRuntime): runtime is ObservableJobRuntime {
  return "connected" in runtime && typeof runtime.connected === "boolean";
}
