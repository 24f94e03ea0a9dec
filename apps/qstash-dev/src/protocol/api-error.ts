export type ApiStatus = 400 | 401 | 404 | 412 | 413 | 429 | 500 | 503;

/** A request that is refused: answered with the status and `{"error": message}`. */
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

/** The value, or a 404 that says what was not found. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new ApiError(404, `${what} not found`);
  return value;
}
