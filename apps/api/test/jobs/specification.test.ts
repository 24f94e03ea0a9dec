import { subHours } from "date-fns/subHours";
import { createQStashDev, DEV_CREDENTIALS } from "@orbit/qstash-dev";
import { expect, onTestFinished, test } from "vitest";
import { defineJob } from "#src/jobs/application/define-job.ts";
import type { JobDefinition } from "#src/jobs/application/job-definition.ts";
import { buildJobs } from "#src/jobs/application/job-registry.ts";
import {
  buildJobDispatcher,
  buildJobQueue,
  buildJobRuntime,
  readJobsConfig,
} from "#src/jobs/env.ts";
import type { JobLogger } from "#src/jobs/application/ports.ts";
import { contractJob } from "#src/jobs/testing/contract-jobs.ts";
import { createProbe, eventually } from "#src/jobs/testing/probe.ts";
import { compile } from "../house/compile.ts";
import { createTestDatabase } from "../support/database.ts";
import { openFront } from "../support/front.ts";
import { jumpClock } from "../support/jump-clock.ts";

// The specification's snippets, word for word except for the payload of the schedule.

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "cleanup.spec-invites": { olderThanHours: number };
    }
  }
}

const cleanupStaleInvitesJob = defineJob({
  name: "cleanup.spec-invites",
  schedule: { cron: "0 * * * *", payload: { olderThanHours: 336 } }, // every hour
  maxAttempts: 3,
  handler: async (payload, ctx) => {
    await ctx.uow.run(async (tx) => {
      const cutoff = subHours(ctx.clock.now(), payload.olderThanHours);
      await tx.workspaceInvites.deleteExpiredBefore(cutoff);
    });
  },
});

function jobs(core: OrbitJobs.Core): readonly JobDefinition[] {
  return [cleanupStaleInvitesJob(core) /* ... */];
}

test("the specification's job, registry and runtime run as they are written there", async () => {
  const database = await createTestDatabase();
  const cutoffs: Date[] = [];
  const now = new Date("2026-06-01T12:00:00Z");
  const deleteExpiredBefore = async (cutoff: Date) => cutoffs.push(cutoff);
  const someFeature = { jobs };
  const otherFeature: { jobs?: typeof jobs } = {};
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the handler uses of it
  const core = {
    clock: { now: () => now },
    uow: {
      run: (work: (tx: object) => unknown) => work({ workspaceInvites: { deleteExpiredBefore } }),
    },
  } as Partial<OrbitJobs.Core> as OrbitJobs.Core;

  const parsed = readJobsConfig({ JOBS_PROVIDER: "graphile", DATABASE_URL: database.url });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const jobsConfig = parsed.config;
  const registry = buildJobs([
    ...(someFeature.jobs?.(core) ?? []),
    ...(otherFeature.jobs?.(core) ?? []),
  ]);
  const runtime = buildJobRuntime(jobsConfig, registry);
  await runtime.start();

  const queue = buildJobQueue(jobsConfig, registry, {
    sql: { query: (text, values) => database.pool.query(text, [...values]) },
  });
  await queue.enqueue("cleanup.spec-invites", { olderThanHours: 12 });
  await eventually("it ran", async () => cutoffs.length === 1);
  expect(cutoffs).toEqual([new Date("2026-06-01T00:00:00Z")]);
  expect(registry.find((d) => d.name === "cleanup.spec-invites")?.maxAttempts).toBe(3);
  expect(runtime.provider).toBe("graphile");
  await runtime.stop();
  await database.drop();
});

test("on qstash the same builders drain, sweep the outbox and prune, with these arguments alone", async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const clock = jumpClock();
  const qstash = createQStashDev({ clock, log: () => undefined });
  onTestFinished(() => qstash.close());
  const front = await openFront();
  onTestFinished(() => front.close());
  const parsed = readJobsConfig({
    JOBS_PROVIDER: "qstash",
    DATABASE_URL: database.url,
    QSTASH_URL: await qstash.start(),
    QSTASH_TOKEN: DEV_CREDENTIALS.token,
    QSTASH_CURRENT_SIGNING_KEY: DEV_CREDENTIALS.currentSigningKey,
    QSTASH_NEXT_SIGNING_KEY: DEV_CREDENTIALS.nextSigningKey,
    QSTASH_CALLBACK_URL: front.url,
  });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const jobsConfig = parsed.config;
  const begun = createProbe<unknown>();
  const end = Promise.withResolvers<void>();
  let ended = 0;
  const registry = buildJobs([
    contractJob("contract.work", async (payload) => {
      begun.report(payload);
      await end.promise;
      ended += 1;
    }),
  ]);
  const runtime = buildJobRuntime(jobsConfig, registry);
  const dispatcher = buildJobDispatcher(jobsConfig, registry);
  if (!dispatcher) throw new Error("qstash has a dispatcher");
  front.add(dispatcher);

  // A crash left this job in the outbox.
  await database.pool.query(
    `insert into orbit_jobs.job_outbox (id, name, version, payload, max_attempts)
     values ('left-behind', 'contract.work', 1, '"swept"', 1)`,
  );
  await database.pool.query(
    "insert into orbit_jobs.processed values ('old', 'event', now() - interval '1 year')",
  );
  await runtime.start();
  expect(await begun.next()).toBe("swept");

  await buildJobQueue(jobsConfig, registry).enqueue("contract.work", "in flight");
  expect(await begun.next()).toBe("in flight");
  clock.jump(3_600_000);
  await eventually("the ledger is pruned", async () => {
    const { rows } = await database.pool.query("select from orbit_jobs.processed");
    return rows.length === 0;
  });

  const stopped = runtime.stop();
  end.resolve();
  await stopped;
  expect(ended).toBe(2);
});

test("on memory, which needs no database, the builders prune without one, and log where the app says", async () => {
  const parsed = readJobsConfig({ JOBS_PROVIDER: "memory" });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const done = Promise.withResolvers<void>();
  const registry = buildJobs([contractJob("contract.work", async () => done.resolve())]);
  const runtime = buildJobRuntime(parsed.config, registry);
  const lines: string[] = [];
  const write = (_fields: object, message: string) => void lines.push(message);
  const log: JobLogger = { debug: write, info: write, warn: write, error: write, child: () => log };
  const queue = buildJobQueue(parsed.config, registry, { log });
  await runtime.start();
  await queue.enqueue("jobs.prune", {});
  await queue.enqueue("contract.work", 0);
  await done.promise;
  await runtime.stop();
  expect(lines.filter((line) => line === "job succeeded")).toHaveLength(2);
});

test("its ports have the signatures that it gives them", async () => {
  const errors = await compile("specification", {
    ports: `
      import type { JobQueue as OurQueue } from "#src/jobs/application/job-queue.ts";
      import type { JobRuntime as OurRuntime } from "#src/jobs/application/job-runtime.ts";
      import type { JobName, JobPayload } from "#src/jobs/application/job-types.ts";
      export interface JobQueue {
        enqueue<N extends JobName>(
          name: N,
          payload: JobPayload<N>,
          options?: { runAt?: Date; jobKey?: string; maxAttempts?: number },
        ): Promise<void>;
      }
      export interface JobRuntime {
        readonly provider: string;
        start(): Promise<void>;
        stop(): Promise<void>;
      }
      declare const ours: OurQueue;
      export const queue: JobQueue = ours;
      export const enqueue: OurQueue["enqueue"] = queue.enqueue;
      declare const ourRuntime: OurRuntime;
      export const runtime: JobRuntime = ourRuntime;
      export const back: OurRuntime = runtime;`,
    fakes: `
      import type { JobQueue, BulkJobQueue } from "#src/jobs/application/job-queue.ts";
      import type { JobName, JobPayload } from "#src/jobs/application/job-types.ts";
      // Exactly the specification's members.
      const members: Record<keyof JobQueue, true> = { enqueue: true };
      export const fake: JobQueue = { enqueue: async () => undefined };
      export class Adapter implements JobQueue {
        readonly names: string[] = [];
        async enqueue<N extends JobName>(
          name: N,
          payload: JobPayload<N>,
          options?: { runAt?: Date; jobKey?: string; maxAttempts?: number },
        ): Promise<void> {
          this.names.push(name, JSON.stringify(payload), String(options?.runAt));
        }
      }
      export const remind = (queue: JobQueue, inviteId: string) =>
        queue.enqueue("workspaces.invites.send-reminder", { inviteId });
      declare const whole: BulkJobQueue;
      export const sent = [fake, new Adapter(), whole].map((queue) => remind(queue, "1"));
      export const added: Promise<{ id: string; absorbed: boolean }> = whole.add(
        "workspaces.invites.send-reminder",
        { inviteId: "1" },
        { jobKey: "1" },
      );
      // @ts-expect-error -- the payload belongs to the name
      void whole.add("workspaces.invites.send-reminder", { olderThanHours: 1 });
      // @ts-expect-error -- a queue of the specification alone has no ids
      fake.add;
      export { members };`,
    registration: `
      import type { AppCore, AppFeature } from "#src/core.ts";
      import { buildJobs } from "#src/jobs/application/job-registry.ts";
      import { buildJobRuntime, type JobsConfig } from "#src/jobs/env.ts";
      declare const workspacesFeature: AppFeature;
      declare const billingFeature: AppFeature;
      declare const core: AppCore;
      declare const jobsConfig: JobsConfig;
      const registry = buildJobs([
        ...workspacesFeature.jobs?.(core) ?? [],
        ...billingFeature.jobs?.(core) ?? [],
      ]);
      const runtime = buildJobRuntime(jobsConfig, registry);
      await runtime.start();`,
  });
  expect(Object.fromEntries(errors)).toEqual({ ports: "", fakes: "", registration: "" });
});
