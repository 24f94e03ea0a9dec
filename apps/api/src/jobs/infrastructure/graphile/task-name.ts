import type { JobDefinition } from "../../application/job-definition.ts";

/**
 * What graphile-worker calls a job. Later versions have names of their own, so that a worker with
 * older code, which does not know them, never claims what only newer code can run.
 */
export function taskName({ name }: Pick<JobDefinition, "name">, version: number): string {
  return version === 1 ? name : `${name}@${version}`;
}

/** The names of everything that this definition can run. */
export function taskNames(definition: JobDefinition): readonly string[] {
  return Array.from({ length: definition.version }, (_, index) => taskName(definition, index + 1));
}
