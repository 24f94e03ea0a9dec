import assert from "node:assert/strict";
import type { DeadJobs } from "../../application/dead-jobs.ts";
import type { JsonValue } from "../../application/job-types.ts";
import { inWorld, skipBackOff, untilSettled, work } from "../case-steps.ts";
import type { ContractCase, ContractWorld } from "../contract-harness.ts";
import { contractJob } from "../contract-jobs.ts";
import { createProbe, eventually } from "../probe.ts";

/** The world's dead jobs, which every provider with `replay` has. */
function deadOf({ dead }: ContractWorld): DeadJobs {
  assert.ok(dead, "the harness of a provider that supports replay must have `dead`");
  return dead;
}

/** Waits until this many jobs are dead, and returns them, newest first. */
async function theDead(world: ContractWorld, count: number) {
  await eventually(
    `${count} jobs are dead`,
    async () => (await deadOf(world).list(100)).length === count,
  );
  return deadOf(world).list(100);
}

export const deadJobCases: readonly ContractCase[] = [
  {
    title: "a dead job keeps its payload, attempts, last error and stack",
    needs: ["replay"],
    async run(harness) {
      const failing = contractJob("contract.work", async (_payload, { attempt }) => {
        throw new TypeError(`failure ${attempt}`);
      });
      await inWorld(harness, [failing], async (world) => {
        await work(world);
        const payload = { text: "Grüße \u0000", list: [1, null] };
        await world.queue.enqueue("contract.work", payload, { maxAttempts: 2 });
        await skipBackOff(world, 1);
        const [dead] = await theDead(world, 1);
        assert.equal(dead?.name, "contract.work");
        assert.equal(dead.version, 1);
        assert.deepEqual(JSON.parse(dead.payload), payload);
        assert.deepEqual([dead.attempts, dead.maxAttempts], [2, 2]);
        assert.equal(dead.lastError, "failure 2");
        assert.match(dead.stack ?? "", /TypeError: failure 2\n\s+at /);
        await untilSettled(world);
      });
    },
  },
  {
    title: "a replayed job keeps its id and payload and gets all its attempts again",
    needs: ["replay"],
    async run(harness) {
      const runs = createProbe<{ id: string; payload: JsonValue; facts: JsonValue }>();
      let isMended = false;
      const job = contractJob(
        "contract.work",
        async (payload, { jobId, attempt, maxAttempts }) => {
          runs.report({ id: jobId, payload, facts: [attempt, maxAttempts] });
          if (!isMended || attempt === 1) throw new Error("not yet");
        },
        { version: 2, upgrade: () => "never called" },
      );
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", { n: 1 }, { maxAttempts: 2 });
        await skipBackOff(world, 1);
        const [dead] = await theDead(world, 1);
        const first = await runs.next();
        await runs.next();
        assert.equal(dead?.id, first.id);
        isMended = true;
        assert.equal(await deadOf(world).replay(first.id), true);
        assert.deepEqual(await runs.next(), { id: first.id, payload: { n: 1 }, facts: [1, 2] });
        await skipBackOff(world, 1);
        assert.deepEqual(await runs.next(), { id: first.id, payload: { n: 1 }, facts: [2, 2] });
        await untilSettled(world);
        assert.deepEqual(await deadOf(world).list(1), []);
      });
    },
  },
  {
    title: "a replayed job that dies again can be replayed again",
    needs: ["replay"],
    async run(harness) {
      const runs = createProbe<string>();
      const job = contractJob("contract.work", async (_payload, { jobId }) => {
        runs.report(jobId);
        throw new Error("fails");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueue("contract.work", 1, { maxAttempts: 1 });
        const id = await runs.next();
        for (let round = 0; round < 2; round++) {
          await theDead(world, 1);
          assert.equal(await deadOf(world).replay(id), true);
          assert.equal(await runs.next(), id);
        }
        const [dead] = await theDead(world, 1);
        assert.equal(dead?.attempts, 1);
      });
    },
  },
  {
    title: "two replays at once run the job once; a second replay or removal returns false",
    needs: ["replay"],
    async run(harness) {
      const runs = createProbe<JsonValue>();
      let isMended = false;
      const job = contractJob("contract.work", async (payload) => {
        runs.report(payload);
        if (!isMended) throw new Error("fails");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        await world.queue.enqueueMany([
          { name: "contract.work", payload: 1, options: { maxAttempts: 1 } },
          { name: "contract.work", payload: 2, options: { maxAttempts: 1 } },
        ]);
        const [newest, oldest] = await theDead(world, 2);
        await runs.next();
        await runs.next();
        isMended = true;
        const id = oldest?.id ?? "";
        await Promise.all([deadOf(world).replay(id), deadOf(world).replay(id)]);
        await runs.next();
        await untilSettled(world);
        assert.equal(runs.unread.length, 0);
        assert.equal(await deadOf(world).replay(id), false);
        assert.equal(await deadOf(world).remove(newest?.id ?? ""), true);
        assert.equal(await deadOf(world).remove(newest?.id ?? ""), false);
        assert.deepEqual(await deadOf(world).list(10), []);
      });
    },
  },
  {
    title: "dead jobs are listed in pages, newest first, each once",
    needs: ["replay"],
    async run(harness) {
      const job = contractJob("contract.work", async () => {
        throw new Error("fails");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world, { concurrency: 5 });
        await world.queue.enqueueMany(
          Array.from({ length: 7 }, (_, payload) => ({
            name: "contract.work",
            payload,
            options: { maxAttempts: 1 },
          })),
        );
        const all = await theDead(world, 7);
        const pages = [];
        for (let page = await deadOf(world).list(3); page.length > 0; ) {
          pages.push(...page.map(({ payload }) => payload));
          page = await deadOf(world).list(3, page.at(-1));
        }
        assert.deepEqual(
          pages,
          all.map(({ payload }) => payload),
        );
        assert.equal(new Set(pages).size, 7);
      });
    },
  },
  {
    title: "a page continues after the previous one even if its last job is no longer dead",
    needs: ["replay"],
    async run(harness) {
      const job = contractJob("contract.work", async () => {
        throw new Error("fails");
      });
      await inWorld(harness, [job], async (world) => {
        await work(world);
        for (const payload of [1, 2, 3]) {
          await world.queue.enqueue("contract.work", payload, { maxAttempts: 1 });
          await theDead(world, payload);
        }
        const [, second, third] = await theDead(world, 3);
        const page = await deadOf(world).list(2);
        assert.equal(await deadOf(world).remove(second?.id ?? ""), true);
        const rest = await deadOf(world).list(2, page.at(-1));
        assert.deepEqual(
          rest.map(({ id }) => id),
          [third?.id],
        );
      });
    },
  },
  {
    title: "a dead job of an unknown name or version is not replayed and stays dead",
    needs: ["replay"],
    async run(harness) {
      const fail = async () => {
        throw new Error("fails");
      };
      const known = contractJob("contract.work", fail);
      const newer = contractJob("contract.work", fail, { version: 2, upgrade: () => null });
      const other = contractJob("contract.other", fail);
      await inWorld(harness, [known], async (world) => {
        await work(world, { definitions: [newer, other] });
        await world.queueOf([newer, other]).enqueueMany([
          { name: "contract.work", payload: 1, options: { maxAttempts: 1 } },
          { name: "contract.other", payload: 2, options: { maxAttempts: 1 } },
        ]);
        for (const { id } of await theDead(world, 2)) {
          await assert.rejects(deadOf(world).replay(id), { code: "jobs.unknown_job", status: 404 });
        }
        assert.equal((await deadOf(world).list(10)).length, 2);
        assert.equal(await world.pendingCount(), 0);
      });
    },
  },
];
