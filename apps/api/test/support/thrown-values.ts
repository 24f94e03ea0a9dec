import { inspect } from "node:util";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { PermanentJobError } from "#src/jobs/application/job-errors.ts";

/** How to make a value that a handler throws. Plain data, so that a failure can be printed. */
export interface ThrownValue {
  /** A key of {@link BASES}. */
  readonly base: string;
  readonly message: string;
  readonly changes: readonly Change[];
  /** Operations that a proxy around the value refuses; all of them where it is revoked. */
  readonly refused: readonly (keyof ProxyHandler<object>)[] | "revoked";
}

type Change =
  | { readonly kind: "getter" | "odd"; readonly field: string }
  | { readonly kind: "cycle" | "deep cause" | "frozen" | "no prototype" };

/** Fields that loggers, serialisers and promises read. */
const FIELDS = {
  message: "message",
  name: "name",
  stack: "stack",
  cause: "cause",
  errors: "errors",
  code: "code",
  // oxlint-disable-next-line unicorn/no-thenable -- a thrown value may be one
  then: "then",
  toJSON: "toJSON",
  toString: "toString",
  valueOf: "valueOf",
  constructor: "constructor",
  toPrimitive: Symbol.toPrimitive,
  toStringTag: Symbol.toStringTag,
  hasInstance: Symbol.hasInstance,
  iterator: Symbol.iterator,
  inspect: inspect.custom,
} as const;

const BASES: Readonly<Record<string, (message: string) => object>> = {
  error: (message) => new Error(message),
  permanent: (message) => new PermanentJobError(message),
  "dom exception": (message) => new DOMException(message, "AbortError"),
  aggregate: (message) => new AggregateError([new Error("one"), Symbol("two")], message),
  foreign: (message) => foreign("new RangeError(message)", { message }),
  "foreign promise": () => foreign("Promise.reject(1)", {}),
  promise: (message) => Promise.reject(new Error(message)),
  object: (message) => ({ message }),
  "no message": () => ({ reason: { deep: [1n] } }),
  array: (message) => [message, undefined],
  map: (message) => new Map([[message, message]]),
  date: () => new Date(Number.NaN),
  function: () => () => "thrown",
};

/** A value of another realm. */
function foreign(code: string, scope: object): object {
  const made: unknown = runInNewContext(code, { ...scope });
  if (typeof made === "object" && made !== null) return made;
  throw new TypeError("the code makes no object");
}

const TRAPS = ["get", "has", "getPrototypeOf", "ownKeys", "getOwnPropertyDescriptor"] as const;

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("getter" as const, "odd" as const),
    field: fc.constantFrom(...Object.keys(FIELDS)),
  }),
  fc.record({
    kind: fc.constantFrom(
      "cycle" as const,
      "deep cause" as const,
      "frozen" as const,
      "no prototype" as const,
    ),
  }),
);

export const thrownValue: fc.Arbitrary<ThrownValue> = fc.record({
  base: fc.oneof(fc.constantFrom(...Object.keys(BASES)), fc.constantFrom("error", "permanent")),
  message: fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom("", "\0", "\uD800", "→ é 🌍", "x".repeat(30_000), "$1 %s \\ ' \" `"),
  ),
  changes: fc.array(change, { maxLength: 4 }),
  refused: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.subarray([...TRAPS]) },
    { weight: 1, arbitrary: fc.constant("revoked" as const) },
  ),
});

/** Whether the value must make its job dead at once: it is a permanent error, and that can be read. */
export function isPermanent({ base, changes, refused }: ThrownValue): boolean {
  if (base !== "permanent" || refused === "revoked" || refused.includes("get")) return false;
  const first = changes.find(({ kind }) => kind === "no prototype" || kind === "frozen");
  return first?.kind !== "no prototype";
}

/** Makes the value. */
export function makeThrown({ base, message, changes, refused }: ThrownValue): unknown {
  const target = BASES[base]?.(message) ?? {};
  for (const one of changes) applyChange(target, one);
  if (refused === "revoked") {
    const { proxy, revoke } = Proxy.revocable(target, {});
    revoke();
    return proxy;
  }
  if (refused.length === 0) return target;
  return new Proxy(target, Object.fromEntries(refused.map((trap) => [trap, refuse])));
}

/** Changes what can be changed: an earlier change may have frozen the value. */
function applyChange(target: object, one: Change): void {
  switch (one.kind) {
    case "getter":
    case "odd": {
      const key = Object.entries(FIELDS).find(([name]) => name === one.field)?.[1] ?? "x";
      const get = one.kind === "getter" ? refuse : () => ODD;
      Reflect.defineProperty(target, key, { get, enumerable: true, configurable: true });
      break;
    }
    case "cycle":
      Reflect.set(target, "cause", new Error("between", { cause: target }));
      break;
    case "deep cause": {
      let cause = new Error("the last cause");
      for (let depth = 0; depth < 1_000; depth++) cause = new Error(`cause ${depth}`, { cause });
      Reflect.set(target, "cause", cause);
      break;
    }
    case "frozen":
      Object.freeze(target);
      break;
    case "no prototype":
      Reflect.setPrototypeOf(target, null);
      break;
  }
}

const ODD = Object.freeze({ toString: refuse, toJSON: refuse });

function refuse(): never {
  throw new TypeError("this cannot be read");
}
