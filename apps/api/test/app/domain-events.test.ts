import { addDays } from "date-fns/addDays";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { eventually } from "#src/jobs/testing/probe.ts";
import { compile } from "../house/compile.ts";
import { activity, createAcme, storedEvents } from "../support/activity.ts";
import { startTestApp, type TestApp } from "../support/app.ts";

const PROJECTOR = "workspaces.activity.project";

let app: TestApp;
beforeEach(async () => {
  app = await startTestApp();
});
afterEach(() => app.close());

async function start(env: Record<string, string> = {}, shared = app.database): Promise<TestApp> {
  const other = await startTestApp(env, shared);
  onTestFinished(() => other.close());
  return other;
}

async function waitingProjections(): Promise<readonly unknown[]> {
  const { rows } = await app.database.pool.query<{ payload: unknown }>(
    `select payload from graphile_worker._private_jobs jobs
       join graphile_worker._private_tasks tasks on tasks.id = task_id
      where identifier = $1 order by jobs.id`,
    [PROJECTOR],
  );
  return rows.map(({ payload }) => payload);
}

const untilProjected = () =>
  eventually("every event is projected", async () =>
    (await storedEvents(app)).every(({ pending }) => pending.length === 0),
  );

const invited = z.object({ invite: z.object({ id: z.string(), token: z.string() }) });

async function invite(email: string): Promise<{ id: string; token: string }> {
  const { body } = await app.request("POST", "/v1/workspaces/acme/invites", { email });
  return invited.parse(body).invite;
}

test("the activity feed shows what happened in a workspace, newest first", async () => {
  await app.container.jobs.runtime.start();
  await createAcme(app);
  const { id } = await invite("ann@example.com");
  await app.request("DELETE", `/v1/workspaces/acme/invites/${id}`);
  const { token } = await invite("ben@example.com");
  await app.request("POST", `/v1/invites/${token}/accept`);
  await app.request("POST", "/v1/workspaces", { slug: "other", name: "Other" });
  await untilProjected();
  const all = [
    "workspace.invite.accepted ben@example.com",
    "workspace.invite.created ben@example.com",
    "workspace.invite.revoked ann@example.com",
    "workspace.invite.created ann@example.com",
    "workspace.created",
  ];
  expect(await activity(app)).toEqual(all);
  expect(await activity(app, "?limit=2")).toEqual(all.slice(0, 2));
  const { rows } = await app.database.pool.query("select data from domain_events");
  expect(JSON.stringify(rows)).not.toContain(token);
});

test("the feed needs the token, a workspace and a limit from 1 to 200", async () => {
  const path = "/v1/workspaces/acme/activity";
  const stranger = { authorization: "Bearer of-another-service" };
  expect((await app.request("GET", path, undefined, stranger)).status).toBe(401);
  expect(await app.request("GET", path)).toMatchObject({
    status: 404,
    body: { error: { code: "workspaces.not_found" } },
  });
  await createAcme(app);
  expect(await activity(app)).toEqual([]);
  for (const limit of ["0", "201", "-1", "1.5", "many", ""]) {
    const { status } = await app.request("GET", `${path}?limit=${limit}`);
    expect(status).toBe(422);
  }
});

test("an event and its job are stored with the domain's writes, or none of them", async () => {
  await createAcme(app);
  const [event] = await storedEvents(app);
  expect(event).toMatchObject({ type: "workspace.created", pending: [PROJECTOR] });
  expect(event?.id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7/);
  expect(await waitingProjections()).toEqual([{ eventId: event?.id }]);

  const refused = await app.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
  expect(refused.status).toBe(409);
  await app.database.pool.query("alter table workspace_invites rename column email to address");
  const failed = await app.request("POST", "/v1/workspaces/acme/invites", { email: "a@b.co" });
  expect(failed.status).toBe(500);
  const rolledBack = app.container.jobs.core.uow.run(async (tx) => {
    await tx.events.record({ type: "workspace.created", data: { workspaceId: "rolled back" } });
    throw new Error("roll back");
  });
  await expect(rolledBack).rejects.toThrow("roll back");
  expect(await storedEvents(app)).toEqual([event]);
  expect(await waitingProjections()).toHaveLength(1);
});

test("events that were committed before a crash are projected by the next process", async () => {
  // This app never starts its worker, as if its process had died right after the commits.
  await createAcme(app);
  await invite("ann@example.com");
  expect(await activity(app)).toEqual([]);
  const next = await start();
  await next.container.jobs.runtime.start();
  await untilProjected();
  expect(await activity(app)).toEqual([
    "workspace.invite.created ann@example.com",
    "workspace.created",
  ]);
});

test("ten further jobs for a projected event change nothing", async () => {
  await app.container.jobs.runtime.start();
  await createAcme(app);
  await untilProjected();
  const [event] = await storedEvents(app);
  // The ledger alone must keep the entry from coming back.
  await app.database.pool.query("delete from workspace_activity");
  await app.container.jobs.queue.enqueueMany(
    Array.from({ length: 10 }, () => ({ name: PROJECTOR, payload: { eventId: event?.id ?? "" } })),
  );
  await eventually("the jobs have run", async () => (await waitingProjections()).length === 0);
  expect(await activity(app)).toEqual([]);
  const dead = await app.request("GET", "/v1/jobs/dead");
  expect(dead.body).toMatchObject({ jobs: [] });
});

test("a projection that fails is tried again and applied once", async () => {
  await createAcme(app);
  await app.database.pool.query("alter table workspace_activity rename to elsewhere");
  await app.container.jobs.runtime.start();
  const failures = () =>
    app.database.pool.query(
      "select from graphile_worker._private_jobs where last_error is not null",
    );
  await eventually("it has failed", async () => (await failures()).rowCount === 1);
  await app.database.pool.query("alter table elsewhere rename to workspace_activity");
  await app.database.pool.query("update graphile_worker._private_jobs set run_at = now()");
  await app.database.pool.query("select pg_notify('jobs:insert', '{\"count\":1}')");
  await untilProjected();
  expect(await activity(app)).toEqual(["workspace.created"]);
});

describe("without a job provider", () => {
  test("events are stored, nothing fails, and one line of the log says so", async () => {
    const bare = await start({ JOBS_PROVIDER: "noop" });
    await createAcme(bare);
    for (const email of ["ann@example.com", "ben@example.com"]) {
      const made = await bare.request("POST", "/v1/workspaces/acme/invites", { email });
      expect(made.status).toBe(201);
    }
    const stored = await storedEvents(bare);
    expect(stored.map(({ type, pending }) => [type, ...pending])).toEqual([
      ["workspace.created", PROJECTOR],
      ["workspace.invite.created", PROJECTOR],
      ["workspace.invite.created", PROJECTOR],
    ]);
    const warnings = bare.logged.filter(({ message }) => message.startsWith("domain events"));
    expect(warnings.map(({ message }) => message)).toEqual([
      "domain events are stored but not projected: no job provider",
    ]);
    expect(await activity(bare)).toEqual([]);

    // With a provider, a job can still be enqueued for each of them.
    await app.container.jobs.runtime.start();
    for (const { id } of stored) {
      const payload = { eventId: id };
      const answer = await app.request("POST", "/v1/jobs", { name: PROJECTOR, payload });
      expect(answer.status).toBe(202);
    }
    await untilProjected();
    expect(await activity(app)).toHaveLength(3);
  });
});

test("the memory provider projects events as well", async () => {
  const memory = await start({ JOBS_PROVIDER: "memory" });
  await memory.container.jobs.runtime.start();
  await createAcme(memory);
  await untilProjected();
  expect(await activity(memory)).toEqual(["workspace.created"]);
});

test("a job for an event that is not stored, or that is unreadable, dies at once", async () => {
  await app.container.jobs.runtime.start();
  const { id } = await app.container.jobs.core.uow.run((tx) =>
    tx.events.record({ type: "workspace.created", data: { workspaceId: "no UUID" } }),
  );
  const eventId = "0199c2f4-0000-7000-8000-000000000000";
  await app.container.jobs.queue.enqueue(PROJECTOR, { eventId });
  const page = z.object({ jobs: z.array(z.object({ lastError: z.string() })) });
  const errors = async () => {
    const { jobs } = page.parse((await app.request("GET", "/v1/jobs/dead")).body);
    return jobs.map(({ lastError }) => lastError.split(":", 1).join()).toSorted();
  };
  await eventually("both are dead", async () => (await errors()).length === 2);
  const expected = [`event ${eventId} is not stored`, `event ${id} is unreadable`];
  expect(await errors()).toEqual(expected.toSorted());
});

test("an event of a deleted workspace makes no entry and no dead job", async () => {
  await createAcme(app);
  await app.database.pool.query("delete from workspaces");
  await app.container.jobs.runtime.start();
  await untilProjected();
  expect((await app.database.pool.query("select from workspace_activity")).rowCount).toBe(0);
});

test("an hourly job prunes old events, except those that a projector still needs", async () => {
  await app.container.jobs.runtime.start();
  await createAcme(app);
  await untilProjected();
  const [old] = await storedEvents(app);
  await app.container.jobs.core.uow.run((tx) =>
    tx.events.record({ type: "workspace.created", data: { workspaceId: "unreadable" } }),
  );
  app.clock.time = addDays(new Date(), 91);
  await app.request("POST", "/v1/workspaces", { slug: "recent", name: "Recent" });
  await eventually("the recent event is projected", async () => {
    return (await storedEvents(app)).at(-1)?.pending.length === 0;
  });
  await app.container.jobs.queue.enqueue("events.prune", { olderThanDays: 90 });
  await eventually("the old event is pruned", async () =>
    (await storedEvents(app)).every(({ id }) => id !== old?.id),
  );
  expect((await storedEvents(app)).map(({ pending }) => pending.length)).toEqual([1, 0]);
  expect(await activity(app)).toEqual(["workspace.created"]);
  expect((await app.request("GET", "/v1/jobs")).body).toMatchObject({
    jobs: expect.arrayContaining([
      expect.objectContaining({
        name: "events.prune",
        schedule: { cron: "47 * * * *", timezone: "UTC" },
      }),
    ]) as unknown,
  });
});

test("an event of another shape, and a projector that takes no event id, do not compile", async () => {
  const errors = await compile("domain-events", {
    recorded: `
      import type { UnitOfWork } from "#src/kernel/unit-of-work.ts";
      export const good = (uow: UnitOfWork) => uow.run(async (tx) => {
        const { id } = await tx.events.record({ type: "workspace.created", data: { workspaceId: "1" } });
        return id;
      });
      export const bad = (uow: UnitOfWork) => uow.run(async (tx) => {
        // @ts-expect-error -- there is no such type of event
        await tx.events.record({ type: "workspace.craeted", data: { workspaceId: "1" } });
        // @ts-expect-error -- the data belongs to another type
        await tx.events.record({ type: "workspace.invite.created", data: { workspaceId: "1" } });
      });
      // @ts-expect-error -- a transaction that only reads records nothing
      export const read = (uow: UnitOfWork) => uow.read(async (tx) => tx.events);`,
    projectors: `
      import type { AppFeature } from "#src/core.ts";
      export const good: AppFeature = {
        name: "good",
        projectors: { "workspace.created": ["workspaces.activity.project"] },
      };
      export const bad: AppFeature = {
        name: "bad",
        // @ts-expect-error -- its payload is no event id
        projectors: { "workspace.created": ["cleanup.stale-invites"] },
      };
      export const misspelt: AppFeature = {
        name: "misspelt",
        // @ts-expect-error -- there is no such type of event
        projectors: { "workspace.craeted": ["workspaces.activity.project"] },
      };`,
  });
  expect(Object.fromEntries(errors)).toEqual({ recorded: "", projectors: "" });
});
