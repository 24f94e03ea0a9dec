import assert from "node:assert/strict";
import type { JsonValue } from "../../application/job-types.ts";
import { processOnce } from "../../application/ledger.ts";
import { inWorld, untilSettled, work } from "../case-steps.ts";
import type { ContractCase, ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

function unitOfWork({ transaction }: ContractWorld) {
  assert.ok(
    transaction,
    "the harness of a provider that supports transactions must have `transaction`",
  );
  return { run: transaction };
}

const idle = contractJob("contract.work", async () => undefined);
const rollback = new Error("roll back");

export const transactionCases: readonly ContractCase[] = [
  {
    title: "a job enqueued in a committed transaction runs and sees its writes",
    needs: ["transactions"],
    async run(harness) {
      const runs = createProbe<readonly string[]>();
      const worlds = createProbe<ContractWorld>();
      const job = contractJob("contract.work", async () => {
        runs.report(await unitOfWork(await worlds.next()).run((tx) => tx.effects()));
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        worlds.report(world);
        await unitOfWork(world).run(async (tx) => {
          await tx.jobs.enqueue("contract.work", 1);
          await tx.addEffect("written after the enqueue");
        });
        assert.deepEqual(await runs.next(), ["written after the enqueue"]);
      });
    },
  },
  {
    title: "add in a transaction returns the id that the job's runs have",
    needs: ["transactions"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload, { jobId }) =>
        runs.report([payload, jobId]),
      );
      await inWorld(harness, [job], async (world) => {
        const rolledBack = unitOfWork(world).run(async (tx) => {
          await tx.jobs.add("contract.work", "rolled back", { jobKey: "k" });
          throw rollback;
        });
        await assert.rejects(rolledBack, rollback);
        const [plain, keyed] = await unitOfWork(world).run(async (tx) => [
          await tx.jobs.add("contract.work", "plain"),
          await tx.jobs.add("contract.work", "keyed", { jobKey: "k" }),
        ]);
        assert.equal(plain?.absorbed, false);
        assert.equal(keyed?.absorbed, false);
        assert.deepEqual(await world.queue.add("contract.work", "absorbed", { jobKey: "k" }), {
          id: keyed?.id,
          absorbed: true,
        });
        await work(world);
        const seen = [await runs.next(), await runs.next()];
        assert.deepEqual(
          new Set(seen),
          new Set([
            ["plain", plain?.id],
            ["keyed", keyed?.id],
          ]),
        );
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a job enqueued in a rolled-back transaction does not exist",
    needs: ["transactions"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload) => runs.report(payload));
      await inWorld(harness, [job], async (world) => {
        await work(world);
        const uow = unitOfWork(world);
        const failing = uow.run(async (tx) => {
          await tx.jobs.enqueue("contract.work", 1, { jobKey: "k" });
          await tx.jobs.enqueueMany([
            { name: "contract.work", payload: 2 },
            { name: "contract.work", payload: 3, options: { jobKey: "many" } },
          ]);
          throw rollback;
        });
        await assert.rejects(failing, rollback);
        await world.queue.enqueue("contract.work", "after", { jobKey: "k" });
        assert.equal(await runs.next(), "after");
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "a refused enqueue does not harm its transaction",
    needs: ["transactions"],
    async run(harness) {
      await inWorld(harness, [idle], async (world) => {
        await unitOfWork(world).run(async (tx) => {
          const refused = { code: "jobs.unknown_job" };
          await assert.rejects(tx.jobs.enqueue("contract.other", 1), refused);
          await assert.rejects(tx.jobs.enqueue("contract.work", 1, { maxAttempts: 0 }), {
            code: "jobs.invalid_options",
          });
          await tx.jobs.enqueue("contract.work", 1);
        });
        await eventually("one job waits", async () => (await world.pendingCount()) === 1);
      });
    },
  },
  {
    title: "runAt, maxAttempts and jobKey work in a transaction",
    needs: ["transactions", "jobKey"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      const job = contractJob("contract.work", async (payload, { maxAttempts }) =>
        runs.report([payload, maxAttempts]),
      );
      await inWorld(harness, [job], async (world) => {
        await work(world);
        const runAt = new Date(Date.now() + 60_000);
        await unitOfWork(world).run(async (tx) => {
          await tx.jobs.enqueue("contract.work", "later", { runAt, maxAttempts: 7, jobKey: "k" });
          await tx.jobs.enqueue("contract.work", "absorbed", { jobKey: "k" });
        });
        await unitOfWork(world).run((tx) =>
          tx.jobs.enqueueMany([
            { name: "contract.work", payload: "absorbed", options: { jobKey: "k" } },
            { name: "contract.work", payload: "now" },
          ]),
        );
        await world.queue.enqueue("contract.work", "absorbed", { jobKey: "k" });
        assert.deepEqual(await runs.next(), ["now", 10]);
        await world.elapse(61);
        assert.deepEqual(await runs.next(), ["later", 7]);
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
      });
    },
  },
  {
    title: "once() is true for exactly one of many concurrent transactions that commit",
    needs: ["transactions"],
    run: (harness) =>
      inWorld(harness, [idle], async (world) => {
        const uow = unitOfWork(world);
        const failing = uow.run(async (tx) => {
          assert.equal(await tx.processed.once("consumer", "event"), true);
          throw rollback;
        });
        await assert.rejects(failing, rollback);
        const answers = await Promise.all(
          Array.from({ length: 10 }, () =>
            processOnce(uow, "consumer", "event", (tx) => tx.addEffect("done")),
          ),
        );
        assert.equal(answers.filter(Boolean).length, 1);
        assert.equal(await processOnce(uow, "other", "event", (tx) => tx.addEffect("other")), true);
        assert.deepEqual(await uow.run((tx) => tx.effects()), ["done", "other"]);
      }),
  },
  {
    title: "an effect behind once() happens once even if the run crashes after the commit",
    needs: ["transactions", "crash"],
    async run(harness) {
      const runs = createProbe<number>();
      const worlds = createProbe<ContractWorld>();
      const job = contractJob("contract.work", async (_payload, { jobId, attempt }) => {
        const world = await worlds.next();
        worlds.report(world);
        await processOnce(unitOfWork(world), "contract", jobId, (tx) => tx.addEffect("done"));
        runs.report(attempt);
        if (attempt === 1) await new Promise(() => undefined);
      });
      await inWorld(harness, [job], async (world) => {
        worlds.report(world);
        const runtime = await work(world);
        await world.queue.enqueue("contract.work", 1);
        assert.equal(await runs.next(), 1);
        await world.crash(runtime);
        await work(world);
        await eventually("the job runs again", async () => {
          await world.elapse(10);
          return runs.unread.length > 0;
        });
        await untilSettled(world);
        assert.deepEqual(await unitOfWork(world).run((tx) => tx.effects()), ["done"]);
      });
    },
  },
];
