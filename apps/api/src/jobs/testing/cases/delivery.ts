import assert from "node:assert/strict";
import type { JobContext } from "../../application/job-definition.ts";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, untilSettled, work } from "../case-steps.ts";
import type { ContractCase } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

const PAYLOADS: readonly JsonValue[] = [
  {},
  null,
  0,
  "",
  false,
  [],
  [1, [2, { three: null }]],
  "Grüße, 世界 🌍 \u2028 \\u0000 \u0000",
  { text: "\u0000", deep: { deep: { deep: { deep: {} } } } },
  { big: Number.MAX_SAFE_INTEGER, small: -1.5e-300 },
  { _cron: { ts: "2026-01-01T00:00:00Z", backfilled: false } },
];

export const deliveryCases: readonly ContractCase[] = [
  {
    title: "a handler gets the payload and the facts of its run",
    async run(harness) {
      const runs = createProbe<{ payload: JsonValue; ctx: JobContext }>();
      const job = contractJob("contract.work", async (payload, ctx) =>
        runs.report({ payload, ctx }),
      );
      await inWorld(harness, [job], async (world) => {
        await world.queue.enqueue("contract.work", { hello: "world" });
        await work(world);
        const { payload, ctx } = await runs.next();
        assert.deepEqual(payload, { hello: "world" });
        assert.equal(ctx.jobName, "contract.work");
        assert.equal(typeof ctx.jobId, "string");
        assert.deepEqual([ctx.attempt, ctx.maxAttempts], [1, 10]);
        assert.equal(ctx.signal.aborted, false);
        ctx.log.debug({}, "a handler can log");
      });
    },
  },
  {
    title: "an idle worker takes a new job at once",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await runs.next(), 1);
      });
    },
  },
  {
    title: "every JSON value arrives unchanged",
    async run(harness) {
      const runs = createProbe<{ json: string }>();
      const job = contractJob("contract.work", async (payload) => {
        runs.report({ json: JSON.stringify(payload) });
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const payload of PAYLOADS) {
          await world.queue.enqueue("contract.work", payload);
          assert.equal((await runs.next()).json, JSON.stringify(payload));
        }
        const polluting: JsonValue = { ["__proto__"]: { polluted: true }, constructor: "x" };
        for (const payload of [...PAYLOADS, polluting, "half a pair \uD800"]) {
          await world.queue.enqueueMany([
            { name: "contract.work", payload },
            { name: "contract.work", payload, options: { jobKey: "k" } },
          ]);
          assert.equal((await runs.next()).json, JSON.stringify(payload));
          assert.equal((await runs.next()).json, JSON.stringify(payload));
          await untilSettled(world);
        }
      });
    },
  },
  {
    title: "enqueueMany stores every job",
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      await inWorld(harness, [job], async (world) => {
        await world.queue.enqueueMany([]);
        await world.queue.enqueueMany(
          Array.from({ length: 50 }, (_, payload) => ({ name: "contract.work", payload })),
        );
        await work(world);
        const seen = new Set<JsonValue>();
        for (let run = 0; run < 50; run++) seen.add(await runs.next());
        assert.equal(seen.size, 50);
      });
    },
  },
  {
    title: "jobs run at the same time, up to the concurrency",
    async run(harness) {
      const begun = createProbe<JsonValue>();
      const go = Promise.withResolvers<void>();
      const job = contractJob("contract.work", async (payload) => {
        begun.report(payload);
        await go.promise;
      });
      await inWorld(harness, [job], async (world) => {
        await world.queue.enqueueMany(
          [1, 2, 3].map((payload) => ({ name: "contract.work", payload })),
        );
        await work(world, { concurrency: 2 });
        await begun.next();
        await begun.next();
        assert.equal(begun.unread.length, 0);
        go.resolve();
        await begun.next();
      });
    },
  },
  {
    title: "a worker leaves a job whose name it does not know",
    async run(harness) {
      const runs = createProbe<string>();
      const known = contractJob("contract.work", async () => runs.report("known"));
      const unknown = contractJob("contract.other", async () => runs.report("unknown"));
      await inWorld(harness, [known, unknown], async (world) => {
        await world.queue.enqueue("contract.other", 1);
        await world.queue.enqueue("contract.work", 1);
        const old = await work(world, { definitions: [known] });
        assert.equal(await runs.next(), "known");
        await old.stop();
        assert.equal(await world.pendingCount(), 1);
        await work(world);
        assert.equal(await runs.next(), "unknown");
      });
    },
  },
  {
    title: "during a rolling deploy a new job runs on new instances only, as attempt 1",
    async run(harness) {
      const runs = createProbe<string>();
      const known = contractJob("contract.work", async (payload, { attempt }) =>
        runs.report(`known ${JSON.stringify(payload)}, attempt ${attempt}`),
      );
      const added = contractJob("contract.other", async (payload, { attempt }) =>
        runs.report(`added ${JSON.stringify(payload)}, attempt ${attempt}`),
      );
      await inWorld(harness, [known, added], async (world) => {
        const old = [
          await work(world, { definitions: [known] }),
          await work(world, { definitions: [known] }),
        ];
        const payloads = [1, 2, 3, 4, 5];
        for (const payload of payloads) {
          await world.queue.enqueue("contract.other", payload, { maxAttempts: 1 });
          await world.queue.enqueue("contract.work", payload, { maxAttempts: 1 });
        }
        await eventually("the known jobs are done", async () => runs.unread.length === 5);
        await eventually("the other jobs wait", async () => (await world.pendingCount()) === 5);
        await work(world);
        await eventually("every job is done", async () => {
          await world.elapse(10);
          return (await world.pendingCount()) === 0;
        });
        await Promise.all(old.map((runtime) => runtime.stop()));
        assert.deepEqual(
          [...runs.unread].sort(),
          ["added", "known"].flatMap((name) => payloads.map((n) => `${name} ${n}, attempt 1`)),
        );
        assert.deepEqual(await world.deadJobs(), []);
      });
    },
  },
];

export const priorityCases: readonly ContractCase[] = [
  {
    title: "waiting jobs with a lower priority number run first",
    needs: ["priority"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const handler = async (payload: JsonValue) => runs.report(payload);
      const later = contractJob("contract.work", handler);
      const sooner = { ...contractJob("contract.other", handler), priority: -10 };
      await inWorld(harness, [later, sooner], async (world) => {
        await world.queue.enqueue("contract.work", "later");
        await world.queue.enqueueMany([
          { name: "contract.work", payload: "later" },
          { name: "contract.other", payload: "sooner" },
        ]);
        await world.queue.enqueue("contract.other", "sooner");
        await world.queue.enqueue("contract.other", "sooner", { jobKey: "k" });
        await work(world, { concurrency: 1 });
        const order = [];
        for (let run = 0; run < 5; run++) order.push(await runs.next());
        assert.deepEqual(order, ["sooner", "sooner", "sooner", "later", "later"]);
      });
    },
  },
];
