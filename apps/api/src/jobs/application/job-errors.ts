import type { StandardSchemaV1 } from "@standard-schema/spec";

/** An error that a caller can act on: a stable `code`, an HTTP `status` and facts for the reader. */
export class JobsError extends Error {
  readonly code: string;
  readonly status: number;
  /** What a client may be told beside the message. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    status: number,
    message: string,
    options?: ErrorOptions & { details?: Readonly<Record<string, unknown>> },
  ) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.status = status;
    this.details = options?.details ?? {};
  }

  /** The same error with more details. */
  with(details: Readonly<Record<string, unknown>>): JobsError {
    return Object.assign(this, { details: { ...this.details, ...details } });
  }
}

/** `jobs.not_configured`, 409: there is no provider. */
export class JobsNotConfiguredError extends JobsError {
  constructor(jobName: string) {
    super(
      "jobs.not_configured",
      409,
      `Job "${jobName}" was not enqueued: no jobs provider is configured. ` +
        "Set JOBS_PROVIDER (and DATABASE_URL for graphile) to have jobs run.",
    );
  }
}

/** `jobs.unknown_job`, 404: the registry has no such job, or none of so late a version. */
export class UnknownJobError extends JobsError {
  constructor(jobName: string, laterVersion?: number) {
    super(
      "jobs.unknown_job",
      404,
      laterVersion !== undefined
        ? `Job "${jobName}" is older here than version ${laterVersion}: newer code will run it.`
        : `There is no job "${jobName}". Is its definition returned by its feature's jobs(core), ` +
            "and the feature listed in composition.ts?",
    );
  }
}

/** One complaint of a schema. `path` is dotted, and empty for the payload as a whole. */
export interface PayloadIssue {
  readonly path: string;
  readonly message: string;
}

/** `jobs.invalid_payload`, 422: the job's schema, or JSON itself, refuses the payload. */
export class InvalidPayloadError extends JobsError {
  readonly issues: readonly PayloadIssue[];

  constructor(jobName: string, issues: readonly PayloadIssue[], options?: ErrorOptions) {
    const list = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    super(
      "jobs.invalid_payload",
      422,
      `The payload of job "${jobName}" is wrong: ${list.join("; ")}`,
      {
        ...options,
        details: { issues },
      },
    );
    this.issues = issues;
  }
}

/** `jobs.payload_too_large`, 413. Sizes are bytes of UTF-8 JSON. */
export class PayloadTooLargeError extends JobsError {
  constructor(jobName: string, size: number, limit: number) {
    super(
      "jobs.payload_too_large",
      413,
      `The payload of job "${jobName}" has ${size} bytes, the limit is ${limit} ` +
        "(JOBS_MAX_PAYLOAD_BYTES). Store the data and enqueue a reference to it.",
      { details: { size, limit } },
    );
  }
}

/** `jobs.invalid_options`, 422: a bad `runAt`, `jobKey` or `maxAttempts`. */
export class InvalidOptionsError extends JobsError {
  constructor(option: string, problem: string) {
    super("jobs.invalid_options", 422, `"${option}" ${problem}`, { details: { option } });
  }
}

/** `jobs.invalid_signature`, 401: a delivery that our provider did not sign. */
export class InvalidJobSignatureError extends JobsError {
  constructor(options?: ErrorOptions) {
    super("jobs.invalid_signature", 401, "The signature of this delivery is not valid.", options);
  }
}

/** `jobs.provider_unavailable`, 503: worth trying again, after `retryAfterSeconds` where known. */
export class ProviderUnavailableError extends JobsError {
  readonly retryAfterSeconds: number | undefined;

  constructor(
    provider: string,
    what: string,
    options?: ErrorOptions & { retryAfterSeconds?: number },
  ) {
    super(
      "jobs.provider_unavailable",
      503,
      `The jobs provider ${provider} cannot be reached: ${what}`,
      options,
    );
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}

/** `jobs.provider_rejected`, 502: the provider answered, and refused. Trying again will not help. */
export class ProviderRejectedError extends JobsError {
  constructor(
    provider: string,
    what: string,
    options?: ErrorOptions & { details?: Readonly<Record<string, unknown>> },
  ) {
    super("jobs.provider_rejected", 502, `The jobs provider ${provider} refused: ${what}`, options);
  }
}

/** `jobs.transaction_ended`, 500: the code that called did not await what it enqueued in a transaction. */
export class TransactionEndedError extends JobsError {
  constructor() {
    super("jobs.transaction_ended", 500, "the transaction has ended: await what is enqueued in it");
  }
}

/** Thrown by a handler for which no further attempt makes sense: the job is dead at once. */
export class PermanentJobError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PermanentJobError";
  }
}

/** What a schema said, in the form that {@link InvalidPayloadError} carries. */
export function payloadIssues(issues: readonly StandardSchemaV1.Issue[]): PayloadIssue[] {
  return issues.map(({ path = [], message }) => ({
    path: path.map((part) => String(typeof part === "object" ? part.key : part)).join("."),
    message,
  }));
}
