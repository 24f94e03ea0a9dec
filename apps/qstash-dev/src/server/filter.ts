import type { Context } from "hono";
import { badRequest } from "#src/protocol/api-error.ts";
import type { Env } from "#src/server/request.ts";
import type { Message } from "#src/store/message.ts";

/** The parts of a record that filters look at. */
interface Filterable {
  readonly message: Message;
  readonly time: number;
  readonly state?: string;
  readonly responseStatus?: number | undefined;
}

export type Filter = (record: Filterable) => boolean;

const FIELDS: Readonly<Record<string, (record: Filterable) => readonly unknown[]>> = {
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
  responseStatus: ({ responseStatus }) => [String(responseStatus)],
  state: ({ state }) => [state, ...(IN_PROGRESS.has(state) ? ["IN_PROGRESS"] : [])],
};

const IN_PROGRESS = new Set<unknown>(["ACTIVE", "RETRY", "ERROR"]);

/** Reads the filters of a query. Any value of a filter may match, and every filter must. */
export function readFilter(c: Context<Env>): Filter {
  const conditions = Object.entries(FIELDS).flatMap(([name, valuesOf]) => {
    const wanted = queryList(c, name);
    return wanted.length === 0
      ? []
      : [(record: Filterable) => valuesOf(record).some((value) => wanted.includes(String(value)))];
  });
  const from = queryNumber(c, "fromDate") ?? Number.NEGATIVE_INFINITY;
  const to = queryNumber(c, "toDate") ?? Number.POSITIVE_INFINITY;
  return (record) =>
    record.time >= from && record.time <= to && conditions.every((holds) => holds(record));
}

/** Reads a query parameter that may be repeated or contain commas. */
export function queryList(c: Context<Env>, name: string): string[] {
  const values = c.req.queries(name) ?? [];
  return [...new Set(values.flatMap((value) => value.split(",").concat(value)))].filter(Boolean);
}

/** Reads a query parameter that must be a whole number. @throws ApiError 400 */
function queryNumber(c: Context<Env>, name: string): number | undefined {
  const value = c.req.query(name);
  if (value === undefined || value === "") return undefined;
  return /^\d+$/.test(value) ? Number(value) : badRequest(`invalid ${name}: "${value}"`);
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor: string | undefined;
}

/** Cuts out the part of a list that `count` and `cursor` ask for. */
export function readPage<T extends { readonly sequence: number }>(
  c: Context<Env>,
  list: readonly T[],
  { newestFirst, maxCount }: { newestFirst: boolean; maxCount: number },
): Page<T> {
  const count = Math.min(queryNumber(c, "count") ?? 100, maxCount);
  const cursor = queryNumber(c, "cursor");
  const rest = list.filter(
    ({ sequence }) => cursor === undefined || (newestFirst ? sequence < cursor : sequence > cursor),
  );
  const items = rest.slice(0, count);
  const more = rest.length > items.length;
  return { items, cursor: more ? String(items.at(-1)?.sequence ?? "") : undefined };
}
