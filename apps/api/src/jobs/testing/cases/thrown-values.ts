import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { PermanentJobError } from "../../application/job-errors.ts";
import type { JsonValue } from "../../application/job-types.ts";
import type { JobLogger } from "../../application/ports.ts";
import { inWorld, skipBackOff, untilSettled, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

class OddError extends Error {
  // What libraries do: a message that is no string, whatever the type says.
  override get message(): string {
    throw new TypeError("no message for you");
  }
}

class NoTextError extends Error {
  override toString(): string {
    throw new TypeError("no text for you");
  }
}

/** Every operation on it throws. */
function closed<T extends object>(target: T): T {
  const refuse = () => {
    throw new TypeError("this value cannot be read");
  };
  const traps = Object.getOwnPropertyNames(Reflect).map((name) => [name, refuse] as const);
  const handler: ProxyHandler<T> = Object.fromEntries(traps);
  return new Proxy(target, handler);
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** An error whose getters throw. */
function withGetters(...names: readonly string[]): Error {
  const get = () => {
    throw new TypeError("this field cannot be read");
  };
  const getters = names.map((name) => [name, { get, enumerable: true }] as const);
  return Object.defineProperties(new Error("has getters"), Object.fromEntries(getters));
}

function withCyclicCause<T extends Error>(error: T): T {
  return Object.assign(error, { cause: new Error("in the middle", { cause: error }) });
}

/** Values that handlers throw, and what must be stored of each. */
const THROWN: readonly (readonly [what: string, thrown: () => unknown, kept: RegExp])[] = [
  ["a string", () => "a bare string", /^a bare string$/],
  ["undefined", () => undefined, /undefined/],
  ["null", () => null, /null/],
  ["a number", () => 42, /42/],
  ["a bigint", () => 42n, /42/],
  ["a symbol", () => Symbol("odd"), /odd/],
  ["a function", () => () => "odd", /odd/],
  ["an object", () => ({ reason: "x" }), /./],
  ["an object without a text", () => Object.setPrototypeOf({}, null) as unknown, /./],
  ["an error without a message", () => new Error(""), /^$/],
  ["an error whose message cannot be read", () => new OddError(), /./],
  ["an error without a text", () => new NoTextError("broken"), /^broken$/],
  [
    "an error whose message is not a string",
    () => Object.assign(new Error("x"), { message: 7 }),
    /7/,
  ],
  ["a long message", () => new Error(`long ${"é🌍".repeat(200_000)}`), /^long é/],
  ["a message with control characters", () => new Error("a\u0000b\u001Bc\uD83C"), /^a.+b/],
  ["a frozen error", () => Object.freeze(new Error("frozen")), /^frozen$/],
  ["a proxy that throws", () => closed(new Error("proxied")), /./],
  ["a revoked proxy", revoked, /./],
  ["getters that throw", () => withGetters("stack", "name", "cause", "toJSON", "then"), /^has g/],
  ["a constructor that throws", () => withGetters("constructor", "errors", "code"), /^has g/],
  ["a cyclic cause", () => withCyclicCause(new Error("cyclic")), /^cyclic$/],
  [
    "an error of another realm",
    () => runInNewContext("new TypeError('far away')") as unknown,
    /^far away$/,
  ],
  ["a rejected promise", () => Promise.reject(new Error("in a promise")), /./],
  [
    "an aggregate",
    () => new AggregateError([closed({}), revoked()], "two at once"),
    /^two at once/,
  ],
];

/** Permanent errors that are hard to read. */
const PERMANENT: readonly (readonly [what: string, thrown: () => unknown])[] = [
  ["frozen", () => Object.freeze(new PermanentJobError("never"))],
  ["a subclass", () => new (class extends PermanentJobError {})("never")],
  ["cyclic", () => withCyclicCause(new PermanentJobError("never"))],
  ["with a hostile cause", () => new PermanentJobError("never", { cause: closed({}) })],
  [
    "without a stack",
    () => Object.defineProperty(new PermanentJobError("never"), "stack", { get: () => revoked() }),
  ],
];

export const thrownValueCases: readonly ContractCase[] = [
  {
    title: "any thrown value fails the run and is stored as text",
    async run(harness) {
      const job = contractJob("contract.work", async (payload) => {
        const [, thrown] = THROWN[Number(payload)] ?? [];
        // oxlint-disable-next-line typescript/only-throw-error -- handlers do
        throw thrown?.();
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const [index, [what, , kept]] of THROWN.entries()) {
          await world.queue.enqueue("contract.work", index, { maxAttempts: 1 });
          await eventually(`${what} has made the job dead`, async () => {
            return (await world.deadJobs()).length === index + 1;
          });
          const { lastError, attempts } = (await world.deadJobs())[index] ?? {};
          assert.equal(attempts, 1);
          assert.match(lastError ?? "nothing", kept, what);
        }
        await untilSettled(world);
      });
    },
  },
  {
    title: "a PermanentJobError makes the job dead at once, however hard it is to read",
    async run(harness) {
      const job = contractJob("contract.work", async (payload) => {
        const [, thrown] = PERMANENT[Number(payload)] ?? [];
        // oxlint-disable-next-line typescript/only-throw-error -- handlers do
        throw thrown?.();
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const [index, [what]] of PERMANENT.entries()) {
          await world.queue.enqueue("contract.work", index, { maxAttempts: 5 });
          await eventually(`one that is ${what} has made the job dead`, async () => {
            return (await world.deadJobs()).length === index + 1;
          });
          const { lastError, attempts } = (await world.deadJobs())[index] ?? {};
          assert.equal(attempts, 1, what);
          assert.equal(lastError, "never", what);
        }
        await untilSettled(world);
      });
    },
  },
  {
    title: "a schema or an upgrade that throws makes the job dead, whatever it throws",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const handler = async (payload: JsonValue) => runs.report(payload);
      const first = contractJob("contract.work", handler);
      const refuse = () => {
        throw closed(new Error("proxied"));
      };
      const strict = contractJob("contract.work", handler, {
        schema: { "~standard": { version: 1, vendor: "contract", validate: refuse } },
      });
      const upgrading = contractJob("contract.work", handler, { version: 2, upgrade: refuse });
      await inWorld(harness, [first], async (world) => {
        for (const [index, definition] of [strict, upgrading].entries()) {
          await world.queue.enqueue("contract.work", index);
          const runtime = await work(world, { definitions: [definition] });
          await eventually("it is dead", async () => (await world.deadJobs()).length === index + 1);
          await runtime.stop();
        }
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a log that throws changes no outcome",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const refuse = (): never => {
        throw new Error("the log is full");
      };
      const broken = { debug: refuse, info: refuse, warn: refuse, error: refuse, child: refuse };
      const log: JobLogger = { ...broken, child: () => broken };
      const job = contractJob("contract.work", async (payload, { log: own, attempt }) => {
        own.info({ payload }, "a line of the handler");
        runs.report(`${JSON.stringify(payload)}, attempt ${attempt}`);
        if (payload === "fails" && attempt === 1) throw new Error("fails once");
        if (payload === "dies") throw new PermanentJobError("never");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world, { log });
        await world.queue.enqueue("contract.work", "dies");
        assert.equal(await runs.next(), '"dies", attempt 1');
        await eventually("it is dead", async () => (await world.deadJobs()).length === 1);
        await world.queue.enqueue("contract.work", "fails");
        assert.equal(await runs.next(), '"fails", attempt 1');
        await skipBackOff(world, 1);
        assert.equal(await runs.next(), '"fails", attempt 2');
        await untilSettled(world);
        assert.equal((await world.deadJobs()).length, 1);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
];
