/** The longest text in the copy of an error. */
const LENGTH_LIMIT = 10_000;

/** How many errors are copied along causes and aggregates. Causes can be cyclic. */
const ERRORS_LIMIT = 20;

const FIELDS_LIMIT = 20;

/** How many elements of a thrown array are in the copy's message. */
const ITEMS_LIMIT = 100;

const NO_TEXT = "The handler threw a value that has no text.";

/**
 * Copies any thrown value to a plain error, for logs and databases. Code can throw anything: frozen errors,
 * proxies, getters that throw, errors of other realms, cyclic causes. The copy contains none of these. Its
 * texts can be stored: they have at most 10,000 characters, without U+0000 and lone surrogates.
 *
 * The copy has the name, message, stack and cause of the original, and its own fields that are text,
 * numbers or booleans, such as `code`. Never throws.
 */
export function safeError(thrown: unknown): Error {
  return copyError(thrown, { left: ERRORS_LIMIT });
}

/** Text that any database can store. */
function storable(text: string): string {
  return text.slice(0, LENGTH_LIMIT).replaceAll("\0", "\uFFFD").toWellFormed();
}

/** Reads a property of any value. Returns `undefined` where that is impossible. */
export function readProperty(value: unknown, key: PropertyKey): unknown {
  return isObject(value) ? attempt(() => Reflect.get(value, key) as unknown) : undefined;
}

/** If the value is a promise, its rejection is not reported as unhandled. */
export function ignoreRejection(value: unknown): void {
  if (!isObject(value)) return;
  // Accepts promises of other realms, too. Throws for any other value.
  attempt(() => void Promise.prototype.then.call(value, undefined, () => undefined));
}

function copyError(thrown: unknown, budget: { left: number }): Error {
  budget.left -= 1;
  ignoreRejection(thrown);
  const copy = new Error(storable(attempt(() => messageOf(thrown)) ?? NO_TEXT));
  const name = readProperty(thrown, "name");
  const stack = readProperty(thrown, "stack");
  if (typeof name === "string" && typeof thrown !== "function") set(copy, "name", storable(name));
  set(copy, "stack", typeof stack === "string" ? storable(stack) : undefined);
  for (const [key, value] of plainFields(thrown)) if (!(key in copy)) copyField(copy, key, value);
  const cause = readProperty(thrown, "cause");
  if (cause !== undefined && budget.left > 0) {
    set(copy, "cause", isObject(cause) ? copyError(cause, budget) : plainValue(cause));
  }
  const errors = copyErrors(readProperty(thrown, "errors"), budget);
  if (errors) set(copy, "errors", errors);
  return copy;
}

/** The errors of an `AggregateError`. */
function copyErrors(errors: unknown, budget: { left: number }): Error[] | undefined {
  return attempt(() => {
    if (!Array.isArray(errors)) return undefined;
    const copies: Error[] = [];
    for (let index = 0; index < errors.length && budget.left > 0; index++) {
      copies.push(copyError(errors[index], budget));
    }
    return copies;
  });
}

function messageOf(thrown: unknown): string {
  // `instanceof Error` is false for errors of other realms, and not every message is a string.
  const message = isObject(thrown) ? (Reflect.get(thrown, "message") as unknown) : undefined;
  return textOf(message ?? thrown);
}

/** The text of a large array or buffer would take long to make, and is cut off anyway. */
function textOf(value: unknown): string {
  if (ArrayBuffer.isView(value)) return `${tagOf(value)} of ${value.byteLength} bytes`;
  if (!Array.isArray(value)) return String(value);
  const items: unknown[] = value.slice(0, ITEMS_LIMIT);
  const texts = items.map((item) => (isObject(item) ? tagOf(item) : String(item)));
  return value.length > ITEMS_LIMIT ? `${texts.join()},… (${value.length} items)` : texts.join();
}

/** `[object Array]`, for example. */
function tagOf(value: object): string {
  return Object.prototype.toString.call(value);
}

/** Whether the own fields of the value include its elements, of which there may be millions. */
function hasElements(value: object): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value) || tagOf(value) === "[object String]";
}

function plainFields(thrown: unknown): [string, unknown][] {
  if (!isObject(thrown)) return [];
  const fields = attempt(() =>
    (hasElements(thrown) ? [] : Object.keys(thrown))
      .slice(0, FIELDS_LIMIT)
      .map((key): [string, unknown] => [
        key,
        // Runs no getter.
        plainValue(Object.getOwnPropertyDescriptor(thrown, key)?.value),
      ]),
  );
  return (fields ?? []).filter(([, value]) => value !== undefined);
}

/** The value if JSON can carry it as it is, and `undefined` for objects. */
function plainValue(value: unknown): unknown {
  if (typeof value === "string") return storable(value);
  if (typeof value === "bigint" || typeof value === "symbol") return storable(String(value));
  return isObject(value) || value === null ? undefined : value;
}

function copyField(copy: Error, key: string, value: unknown): void {
  Object.defineProperty(copy, key, { value, writable: true, configurable: true, enumerable: true });
}

/** Like the fields of a new error: visible to code, and hidden from loops over its fields. */
function set(copy: Error, key: string, value: unknown): void {
  Object.defineProperty(copy, key, { value, writable: true, configurable: true });
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
