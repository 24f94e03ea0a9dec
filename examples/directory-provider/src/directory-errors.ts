import {
  type JobsError,
  ProviderRejectedError,
  ProviderUnavailableError,
} from "#src/jobs/application/job-errors.ts";

/** What time alone does not mend: whoever runs the app has to. */
const REFUSALS = ["EACCES", "EPERM", "EROFS", "ENOTDIR"];

/** An error of the file system as callers know it, with the original as its cause. */
export function providerError(cause: unknown): JobsError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return REFUSALS.some((code) => hasCode(cause, code))
    ? new ProviderRejectedError("directory", what, { cause })
    : new ProviderUnavailableError("directory", what, { cause });
}

/** `undefined` where the file system answers with this code: that is no trouble, but news. */
export async function unless<T>(code: string, operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (hasCode(error, code)) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
