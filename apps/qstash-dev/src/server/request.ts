import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "hono";
import type { z } from "zod";
import type { Clock } from "#src/clock.ts";
import type { Engine } from "#src/engine/engine.ts";
import type { Faults } from "#src/engine/faults.ts";
import type { FlowControls } from "#src/engine/flow-controls.ts";
import type { Plan } from "#src/engine/plan.ts";
import type { Publisher } from "#src/engine/publisher.ts";
import type { Queues } from "#src/engine/queues.ts";
import type { Schedules } from "#src/engine/schedules.ts";
import type { SigningKeys } from "#src/engine/signing.ts";
import { ApiError, badRequest } from "#src/protocol/api-error.ts";
import type { BulkActions } from "#src/store/bulk-actions.ts";
import type { DeadLetters } from "#src/store/dlq.ts";
import type { Log } from "#src/store/log.ts";
import type { UrlGroups } from "#src/store/url-groups.ts";

/** Everything that the routes use. */
export interface Services {
  readonly clock: Clock;
  readonly token: string;
  readonly strict: boolean;
  readonly plan: Plan;
  readonly keys: SigningKeys;
  readonly faults: Faults;
  readonly engine: Engine;
  readonly publisher: Publisher;
  readonly schedules: Schedules;
  readonly queues: Queues;
  readonly flows: FlowControls;
  readonly urlGroups: UrlGroups;
  readonly dlq: DeadLetters;
  readonly log: Log;
  readonly bulkActions: BulkActions;
}

interface Bindings {
  readonly incoming?: IncomingMessage;
  readonly outgoing?: ServerResponse;
}

/** Hono's environment. */
export interface Env {
  Bindings: Bindings;
}

/** Node's request and response. Undefined if the request did not come over HTTP. */
export function bindings(c: Context<Env>): Bindings | undefined {
  return c.env;
}

/**
 * Returns the rest of the request target after `prefix`, with its query string and exactly as it
 * was sent: destinations are not percent-encoded, and their slashes must not be merged.
 */
export function rawAfter(c: Context<Env>, prefix: string): string {
  const target = bindings(c)?.incoming?.url ?? c.req.url.replace(/^[a-z]+:\/\/[^/]+/i, "");
  return target.slice(prefix.length);
}

export interface Target {
  /** A URL, or the name of a URL group. */
  readonly destination: string;
  /** The options as headers. */
  readonly headers: Headers;
}

/**
 * Reads the destination and the options of a publish. Options can be headers, `upstash-*`
 * parameters of the query, and defaults of the URL group, in this order of precedence. All other
 * parameters belong to the destination.
 *
 * @throws ApiError 400 if an option cannot be a header
 */
export function readTarget(
  c: Context<Env>,
  rawDestination: string,
  { token, urlGroups }: Pick<Services, "token" | "urlGroups">,
): Target {
  const [base = "", ...queryParts] = rawDestination.split("?");
  const parameters = queryParts.join("?").split("&").filter(Boolean);
  const isOption = (parameter: string) => /^(upstash-|qstash_token=)/i.test(parameter);
  const kept = parameters.filter((parameter) => !isOption(parameter));
  // Without any option, an empty query such as that of `/path?` stays.
  const destination =
    kept.length === parameters.length
      ? rawDestination
      : [base, kept.join("&")].filter(Boolean).join("?");

  const headers = new Headers(c.req.raw.headers);
  if (headers.get("authorization") === `Bearer ${token}`) headers.delete("authorization");
  addDefaults(headers, [
    ...new URLSearchParams(parameters.filter(isOption).join("&")),
    ...urlGroups.defaultHeaders(destination),
  ]);
  return { destination, headers };
}

/** @throws ApiError 400 if they are no valid headers */
export function headersFrom(entries: Iterable<readonly [string, string]>): Headers {
  const headers = new Headers();
  addDefaults(headers, entries);
  return headers;
}

function addDefaults(headers: Headers, defaults: Iterable<readonly [string, string]>): void {
  for (const [name, value] of defaults) {
    if (headers.has(name) || name.toLowerCase() === "qstash_token") continue;
    try {
      headers.set(name, value);
    } catch {
      badRequest(`invalid value of ${name}`);
    }
  }
}

/** The caller's address. */
export function callerIp(c: Context<Env>): string {
  const address = bindings(c)?.incoming?.socket.remoteAddress ?? "127.0.0.1";
  return address.replace(/^::ffff:/, "");
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/**
 * Reads the body, byte for byte.
 *
 * @throws ApiError 413
 */
export async function rawBody(c: Context<Env>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = c.req.raw.body ?? [];
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new ApiError(413, "the body is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Reads a JSON body.
 *
 * @throws ApiError 400 if the schema refuses it
 */
export async function jsonBody<S extends z.ZodType>(
  c: Context<Env>,
  schema: S,
): Promise<z.output<S>> {
  const parsed = schema.safeParse(parseJson((await rawBody(c)).toString()));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return badRequest(`invalid body: ${issue?.path.join(".")} ${issue?.message}`);
}

/** @throws ApiError 400 if the text is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return badRequest("the body is not JSON");
  }
}

/**
 * Reads the query. Single values are strings.
 *
 * @throws ApiError 400 if the schema refuses it
 */
export function query<S extends z.ZodType>(c: Context<Env>, schema: S): z.output<S> {
  const parsed = schema.safeParse(c.req.query());
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return badRequest(`invalid query: ${issue?.path.join(".")} ${issue?.message}`);
}
