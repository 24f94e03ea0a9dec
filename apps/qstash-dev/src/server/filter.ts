import type { Context } from "hono";
import { z } from "zod";
import { badRequest } from "#src/protocol/api-error.ts";
import { type Env, parseJson, rawBody } from "#src/server/request.ts";
import type { Message } from "#src/store/message.ts";

/** The parameters of a request. Each can have several values. */
export type Parameters = ReadonlyMap<string, readonly string[]>;

/** The parts of a record that filters look at. */
interface Filterable {
  readonly message: Message;
  readonly time: number;
  readonly state?: string;
  readonly responseStatus?: number | undefined;
}

export type Filter = (record: Filterable) => boolean;

type Field = (record: Filterable) => readonly (string | number | undefined)[];

const IN_PROGRESS = new Set<unknown>(["ACTIVE", "RETRY", "ERROR"]);

const FIELDS: Readonly<Record<string, Field>> = {
  messageId: ({ message }) => [message.id],
  messageIds: ({ message }) => [message.id],
  url: ({ message }) => [message.url],
  host: ({ message }) => [URL.parse(message.url)?.host, URL.parse(message.url)?.hostname],
  path: ({ message }) => [URL.parse(message.url)?.pathname],
  topicName: ({ message }) => [message.urlGroup],
  scheduleId: ({ message }) => [message.scheduleId],
  queueName: ({ message }) => [message.queueName],
  label: ({ message }) => message.labels,
  flowControlKey: ({ message }) => [message.flowControl?.key],
  callerIp: ({ message }) => [message.callerIp],
  callerIP: ({ message }) => [message.callerIp],
  responseStatus: ({ responseStatus }) => [responseStatus],
  state: ({ state }) => [
    state,
    ...(IN_PROGRESS.has(state) ? ["IN_PROGRESS"] : []),
    // The clients spell it with one L, the documentation with two.
    ...(state === "CANCELED" ? ["CANCELLED"] : []),
  ],
};

const SHARED_FILTERS = [
  "messageId",
  "url",
  "topicName",
  "scheduleId",
  "queueName",
  "label",
  "flowControlKey",
  "callerIp",
  "callerIP",
  "fromDate",
  "toDate",
];

/** The filters of a bulk cancel. */
export const CANCEL_FILTERS = [...SHARED_FILTERS, "host", "path"];

/** The filters of a bulk delete and a bulk retry. */
export const DEAD_LETTER_FILTERS = [...SHARED_FILTERS, "responseStatus"];

/** All parameters of the query, also one without a name. */
export function queryParameters(c: Context<Env>): Parameters {
  const { searchParams } = new URL(c.req.url);
  return new Map([...searchParams.keys()].map((name) => [name, searchParams.getAll(name)]));
}

/** Reads the filters. Any value of a filter may match, and every filter must. */
export function readFilter(parameters: Parameters): Filter {
  const conditions = Object.entries(FIELDS).flatMap(([name, valuesOf]) => {
    const wanted = listOf(parameters, name);
    return wanted.length === 0
      ? []
      : [
          (record: Filterable) =>
            valuesOf(record).some((value) => value !== undefined && wanted.includes(String(value))),
        ];
  });
  const from = numberOf(parameters, "fromDate") ?? Number.NEGATIVE_INFINITY;
  const to = numberOf(parameters, "toDate") ?? Number.POSITIVE_INFINITY;
  return (record) =>
    record.time >= from && record.time <= to && conditions.every((holds) => holds(record));
}

/** Returns the values of a parameter that may be repeated or contain commas. */
export function listOf(parameters: Parameters, name: string): string[] {
  const values = parameters.get(name) ?? [];
  const items = values
    .flatMap((value) => value.split(",").concat(value))
    .map((item) => item.trim());
  return [...new Set(items)].filter(Boolean);
}

/** @throws ApiError 400 if the parameter is not a whole number */
function numberOf(parameters: Parameters, name: string): number | undefined {
  const value = parameters.get(name)?.at(-1);
  if (value === undefined || value === "") return undefined;
  return /^\d+$/.test(value) ? Number(value) : badRequest(`invalid ${name}: "${value}"`);
}

/** The selection of a bulk action. */
export interface Selection {
  /** The given ids. They override all filters. */
  readonly ids: readonly string[] | undefined;
  readonly matches: Filter;
  readonly parameters: Parameters;
}

interface SelectionRules {
  /** The parameter that names ids. */
  readonly ids: string;
  readonly filters: readonly string[];
  /** Further parameters that are not filters. */
  readonly others: readonly string[];
}

const MAX_BULK_COUNT = 500;

/**
 * Reads the selection of a bulk action from the query and from a JSON body. A request without any
 * filter selects everything, so an unknown or empty filter is an error.
 *
 * @throws ApiError 400
 */
export async function readSelection(c: Context<Env>, rules: SelectionRules): Promise<Selection> {
  const parameters = await bulkParameters(c);
  const known = new Set([rules.ids, ...rules.filters, ...rules.others, "count", "qstash_token"]);
  for (const [name, values] of parameters) {
    if (!known.has(name)) badRequest(`unknown filter: "${name}"`);
    const isEmpty = values.length === 0 || values.some((value) => value.trim() === "");
    if (isEmpty) badRequest(`the filter "${name}" is empty`);
  }
  const count = numberOf(parameters, "count");
  if (count !== undefined && (count < 1 || count > MAX_BULK_COUNT)) {
    badRequest(`invalid count: it must be between 1 and ${MAX_BULK_COUNT}`);
  }
  return {
    ids: parameters.has(rules.ids) ? listOf(parameters, rules.ids) : undefined,
    matches: readFilter(parameters),
    parameters,
  };
}

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const bodySchema = z.record(z.string(), z.union([z.array(scalar), scalar.transform((v) => [v])]));

async function bulkParameters(c: Context<Env>): Promise<Parameters> {
  const parameters = new Map(queryParameters(c));
  const body = await rawBody(c);
  if (body.length === 0) return parameters;
  const parsed = bodySchema.safeParse(parseJson(body.toString()));
  if (!parsed.success) return badRequest("the body must be an object of filters");
  const entries = Object.entries(parsed.data);
  if (entries.length === 0) badRequest("the body has no filter: send no body to select everything");
  for (const [name, values] of entries) {
    parameters.set(name, [...(parameters.get(name) ?? []), ...values]);
  }
  return parameters;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor: string | undefined;
}

type Order = "earliestFirst" | "latestFirst";

export interface PageOptions {
  /** Applies unless the request has an `order`. */
  readonly order: Order;
  readonly maxCount: number;
}

const DEFAULT_COUNT = 100;

/** Cuts out the part of a list that `count`, `cursor` and `order` ask for. */
export function readPage<T extends { readonly sequence: number }>(
  parameters: Parameters,
  list: readonly T[],
  { order: defaultOrder, maxCount }: PageOptions,
): Page<T> {
  const order = orderOf(parameters) ?? defaultOrder;
  const count = Math.min(numberOf(parameters, "count") ?? DEFAULT_COUNT, maxCount);
  if (count === 0) badRequest("invalid count: it must be at least 1");
  const cursor = numberOf(parameters, "cursor");
  const isNext = (sequence: number) =>
    cursor === undefined || (order === "latestFirst" ? sequence < cursor : sequence > cursor);
  const rest = list
    .filter(({ sequence }) => isNext(sequence))
    .sort((a, b) => (a.sequence - b.sequence) * (order === "latestFirst" ? -1 : 1));
  const items = rest.slice(0, count);
  const more = rest.length > items.length;
  return { items, cursor: more ? String(items.at(-1)?.sequence ?? "") : undefined };
}

function orderOf(parameters: Parameters): Order | undefined {
  const value = parameters.get("order")?.at(-1);
  if (value === undefined) return undefined;
  if (value === "earliestFirst" || value === "latestFirst") return value;
  return badRequest(`invalid order: "${value}" is neither earliestFirst nor latestFirst`);
}

/** How many records a bulk action may process. Without `count`, all of them. */
export function bulkCount(parameters: Parameters): number {
  return numberOf(parameters, "count") ?? Number.POSITIVE_INFINITY;
}
