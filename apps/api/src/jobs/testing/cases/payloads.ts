import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe } from "../probe.ts";

const LIMIT = 1_048_576;

/** Each character has four bytes, and JSON adds two for the quotes. */
const NEARLY_FULL = "🌍".repeat(LIMIT / 4 - 1);

function nested(depth: number): JsonValue {
  let value: JsonValue = "the innermost";
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}

const EXTREMES: Readonly<Record<string, JsonValue>> = {
  "the largest power of ten": 1e308,
  "the largest number": Number.MAX_VALUE,
  "the smallest number": 5e-324,
  "the largest safe integer": 2 ** 53 - 1,
  "a number without an exact binary form": 0.1 + 0.2,
  "empty values of every type": { text: "", list: [], object: {}, null: null },
  "empty names": { "": { "": [{ "": "" }] } },
  "names that look like numbers": { "10": 1, "9": 2, "-1": 3, "1e3": 4 },
  "names in several scripts": { "ключ 🗝": 1, é: "composed", "e\u0301": "decomposed" },
  "characters outside the basic plane": "𝒳🏳️‍🌈👩‍👩‍👧‍👦𠜎".repeat(2_000),
  "control characters": "\u0001\u001F\u007F\u0085\uFEFF\uFFFF\r\n\t\b\f",
  "text that looks like JSON, SQL or a URL": `{"a":1}'; drop table jobs; -- ?q=%00&x="\\`,
  "two hundred nested levels": nested(200),
  "many elements": Array.from({ length: 10_000 }, (_, index) => index),
};

export const payloadCases: readonly ContractCase[] = [
  {
    title: "extreme numbers, names, scripts and depths arrive unchanged",
    async run(harness) {
      const runs = createProbe<{ payload: JsonValue }>();
      const job = contractJob("contract.work", async (payload) => runs.report({ payload }));
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const [what, value] of Object.entries(EXTREMES)) {
          await world.queue.enqueue("contract.work", value);
          const { payload } = await runs.next();
          assert.equal(JSON.stringify(payload), JSON.stringify(value), what);
        }
      });
    },
  },
  {
    title: "minus zero becomes zero and undefined fields are dropped, as in JSON",
    async run(harness) {
      const runs = createProbe<{ payload: JsonValue }>();
      const job = contractJob("contract.work", async (payload) => runs.report({ payload }));
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", -0);
        assert.ok(Object.is((await runs.next()).payload, 0));
        await world.queue.enqueue("contract.work", { kept: null, gone: undefined });
        // This deepEqual is strict: it tells an undefined field from a missing one.
        assert.deepEqual((await runs.next()).payload, { kept: null });
      });
    },
  },
  {
    title: "a field named __proto__ is an ordinary field and changes no prototype",
    async run(harness) {
      const runs = createProbe<{ payload: JsonValue }>();
      const job = contractJob("contract.work", async (payload) => runs.report({ payload }));
      const polluting = '{"__proto__":{"polluted":true},"inner":{"__proto__":{"polluted":1}}}';
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", {
          ["__proto__"]: { polluted: true },
          inner: { ["__proto__"]: { polluted: 1 } },
        });
        const { payload } = await runs.next();
        assert.equal(JSON.stringify(payload), polluting);
        assert.equal(Object.getPrototypeOf(payload), Object.prototype);
        assert.equal(Reflect.get({}, "polluted"), undefined);
      });
    },
  },
  {
    title: "the payload limit counts UTF-8 bytes, not characters",
    async run(harness) {
      const runs = createProbe<number>();
      const job = contractJob("contract.work", async (payload) => {
        runs.report(new TextEncoder().encode(JSON.stringify(payload)).length);
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const [rest, size] of [
          ["x", LIMIT - 1],
          ["é", LIMIT],
        ] as const) {
          await world.queue.enqueue("contract.work", NEARLY_FULL + rest);
          assert.equal(await runs.next(), size);
        }
        for (const [rest, size] of [
          ["éx", LIMIT + 1],
          ["🌍", LIMIT + 2],
        ] as const) {
          await assert.rejects(world.queue.enqueue("contract.work", NEARLY_FULL + rest), {
            code: "jobs.payload_too_large",
            details: { size, limit: LIMIT },
          });
        }
      });
    },
  },
];
