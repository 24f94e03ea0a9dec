import type { StandardSchemaV1 } from "@standard-schema/spec";
import { readProperty } from "./safe-error.ts";

/** An error that a caller can act on, with a stable `code`, an HTTP `status` and details. */
export class JobsError extends Error {
  readonly code: string;
  readonly status: number;
  /** Facts that a client may see beside the message. */
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

  /** Adds details to this error. */
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
        "Set JOBS_PROVIDER, and DATABASE_URL for graphile.",
    );
  }
}

/** `jobs.unknown_job`, 404: the registry lacks the job, or has only an earlier version of it. */
export class UnknownJobError extends JobsError {
  constructor(jobName: string, laterVersion?: number) {
    super(
      "jobs.unknown_job",
      404,
      laterVersion !== undefined
        ? `This process has an earlier version of job "${jobName}" than ${laterVersion}. Newer code can run it.`
        : `There is no job "${jobName}". Does its feature's jobs(core) return the definition, ` +
            "and does composition.ts list the feature?",
    );
  }
}

/** One complaint of a schema. `path` is dotted, and empty for the whole payload. */
export interface PayloadIssue {
  readonly path: string;
  readonly message: string;
}

/** `jobs.invalid_payload`, 422: the job's schema refuses the payload, or JSON cannot carry it. */
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

/** `jobs.invalid_signature`, 401: the provider did not sign this delivery. */
export class InvalidJobSignatureError extends JobsError {
  constructor(options?: ErrorOptions) {
    super("jobs.invalid_signature", 401, "The signature of this delivery is not valid.", options);
  }
}

/** `jobs.provider_unavailable`, 503: try again, after `retryAfterSeconds` if it is known. */
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

/** `jobs.provider_rejected`, 502: the provider refused. Trying again does not help. */
export class ProviderRejectedError extends JobsError {
  constructor(
    provider: string,
    what: string,
    options?: ErrorOptions & { details?: Readonly<Record<string, unknown>> },
  ) {
    super("jobs.provider_rejected", 502, `The jobs provider ${provider} refused: ${what}`, options);
  }
}

/** `jobs.transaction_ended`, 500: a caller did not await an enqueue in a transaction. */
export class TransactionEndedError extends JobsError {
  constructor() {
    super(
      "jobs.transaction_ended",
      500,
      "The transaction has ended. Await each enqueue before it ends.",
    );
  }
}

/** `jobs.no_database`, 500: a statement needs the app's database, and the app passed none. */
export class NoDatabaseError extends JobsError {
  constructor(provider: string) {
    super(
      "jobs.no_database",
      500,
      `The provider ${provider} needs the app's database here: pass \`sql\` where the jobs are assembled.`,
    );
  }
}

/** Marks permanent errors, also those of another copy of this module: an app may have two of them. */
const KIND = Symbol.for("orbit-jobs.error-kind");
const PERMANENT = "permanent";

/** A handler throws this if another attempt makes no sense: the job is dead at once. */
export class PermanentJobError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PermanentJobError";
  }

  get [KIND](): typeof PERMANENT {
    return PERMANENT;
  }
}

/** Whether a thrown value is a {@link PermanentJobError}. Never throws. */
export function isPermanentJobError(thrown: unknown): boolean {
  return readProperty(thrown, KIND) === PERMANENT;
}

/** Converts a schema's issues for {@link InvalidPayloadError}. */
export function payloadIssues(issues: readonly StandardSchemaV1.Issue[]): PayloadIssue[] {
  return issues.map(({ path = [], message }) => ({
    path: path.map((part) => String(typeof part === "object" ? part.key : part)).join("."),
    message,
  }));
}
