import type { PayloadIssue } from "../application/job-errors.ts";

/**
 * What `JSON.parse(JSON.stringify(value))` would lose or change, each with its path. A property
 * that is `undefined` is no loss: the handler finds it `undefined` too.
 */
export function jsonLosses(value: unknown): PayloadIssue[] {
  return [...lossesOf(value, "", [])];
}

function* lossesOf(
  value: unknown,
  path: string,
  ancestors: readonly object[],
): Generator<PayloadIssue> {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) yield { path, message: `JSON turns ${value} into null` };
    return;
  }
  if (typeof value !== "object") {
    yield { path, message: primitiveLoss(value) };
    return;
  }
  if (ancestors.includes(value)) {
    yield { path, message: "JSON cannot carry an object that contains itself" };
    return;
  }
  const deeper = [...ancestors, value];
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    // By index, since a hole is an item that JSON changes, too.
    for (let index = 0; index < items.length; index += 1) {
      yield* lossesOf(items[index], join(path, index), deeper);
    }
    return;
  }
  const instance = classOf(value);
  if (instance !== undefined) {
    yield { path, message: `JSON does not keep ${instance}${hint(value)}` };
    return;
  }
  const [symbol] = Object.getOwnPropertySymbols(value);
  if (symbol) yield { path, message: `JSON drops the key ${String(symbol)}` };
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) yield* lossesOf(item, join(path, key), deeper);
  }
}

function primitiveLoss(value: unknown): string {
  if (typeof value === "bigint") return "JSON cannot carry a bigint; send a string";
  if (value === undefined) return "JSON turns undefined into null in a list, and has none outside";
  return `JSON cannot carry a ${typeof value}`;
}

/** What the value is an instance of, unless it is a plain object. */
function classOf(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Object.prototype of any realm: vitest can run tests in one of their own.
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined;
  return `an instance of ${value.constructor.name || "a class"}`;
}

function hint(value: object): string {
  return value instanceof Date ? "; send the string of toISOString()" : "; send a plain object";
}

function join(path: string, key: string | number): string {
  return path === "" ? String(key) : `${path}.${key}`;
}
