import { ProviderUnavailableError } from "../../application/job-errors.ts";

/** The keys cannot be asked: nothing was published. */
export function asUnavailable(cause: unknown): never {
  const text = cause instanceof Error ? cause.message : String(cause);
  throw new ProviderUnavailableError("qstash", `the database of its job keys: ${text}`, { cause });
}
