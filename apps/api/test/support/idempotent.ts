import type { JobDefinition, RunFacts } from "#src/jobs/application/job-definition.ts";

export interface IdempotentOptions {
  /**
   * The identity of a run's work: the job or the payload. A repeated enqueue may make a second job with the
   * same payload. With "payload", a test must enqueue each payload once.
   */
  readonly by: "job" | "payload";
  /** Called for each skipped run. */
  readonly onRepeat: () => void;
}

/**
 * Makes handlers idempotent, as at-least-once delivery requires. Skips work that has succeeded, and work that
 * another job has begun.
 */
export function idempotent({ by, onRepeat }: IdempotentOptions) {
  const holders = new Map<string, string>();
  const succeeded = new Set<string>();
  const identityOf = (definition: JobDefinition, payload: unknown, { jobId }: RunFacts) =>
    // A schedule makes many jobs with one payload.
    by === "job" || definition.schedule ? jobId : `${definition.name} ${JSON.stringify(payload)}`;

  return (definitions: readonly JobDefinition[]): JobDefinition[] =>
    definitions.map((definition) => ({
      ...definition,
      async run(payload, facts) {
        const identity = identityOf(definition, payload, facts);
        const holder = holders.get(identity) ?? facts.jobId;
        holders.set(identity, holder);
        if (succeeded.has(identity) || holder !== facts.jobId) return onRepeat();
        await definition.run(payload, facts);
        // The result of an aborted run may come too late to count.
        if (!facts.signal.aborted) succeeded.add(identity);
      },
    }));
}
