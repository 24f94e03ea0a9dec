import type { JobDefinition, RunFacts } from "#src/jobs/application/job-definition.ts";

export interface IdempotentOptions {
  /**
   * What tells that two runs are for the same thing: the job, or its payload, which also two jobs
   * have in common that a caller made by asking again. Each payload is to be enqueued once, then.
   */
  readonly by: "job" | "payload";
  /** Called for each run that is spared. */
  readonly onRepeat: () => void;
}

/**
 * Makes handlers what at-least-once asks of them: what has succeeded is not done again, and what one
 * job has taken up no other does.
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
        // Whoever was told to end may have ended too late to be counted.
        if (!facts.signal.aborted) succeeded.add(identity);
      },
    }));
}
