export type ApiStatus = 400 | 404 | 412 | 413 | 429 | 500 | 501 | 503;

/** A refused request. The server answers with the status and `{"error": message}`. */
export class ApiError extends Error {
  readonly status: ApiStatus;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: ApiStatus, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.headers = headers;
  }
}

/** @throws ApiError 400 */
export function badRequest(message: string): never {
  throw new ApiError(400, message);
}

/** @throws ApiError 501 */
export function refuseWorkflow(): never {
  throw new ApiError(
    501,
    "this local QStash does not run Upstash Workflow: use the official development server for it (npx @upstash/qstash-cli dev)",
  );
}

/**
 * Returns the value. `what` names it in the error.
 *
 * @throws ApiError 404 if there is none
 */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new ApiError(404, `${what} not found`);
  return value;
}

/**
 * Checks the name of a schedule, queue or URL group.
 *
 * @throws ApiError 400
 */
export function checkName(what: string, name: string): string {
  if (/^[A-Za-z0-9._-]+$/.test(name)) return name;
  return badRequest(
    `invalid ${what}: it may only contain alphanumeric characters, hyphens, periods and underscores`,
  );
}
