import { ProviderUnavailableError, TransactionEndedError } from "../../application/job-errors.ts";

const UNDEFINED_TABLE = "42P01";

/** The keys cannot be asked: nothing was published. What Postgres said is for the log. */
export function asUnavailable(cause: unknown): never {
  if (cause instanceof TransactionEndedError) throw cause;
  const hasNoTables = cause instanceof Error && "code" in cause && cause.code === UNDEFINED_TABLE;
  const what = hasNoTables
    ? "the database has no tables for it; run `npm run db:migrate`"
    : "its database does not answer";
  throw new ProviderUnavailableError("qstash", what, { cause });
}
