import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp, type TestApp } from "../support/app.ts";

const pageSchema = z.object({
  jobs: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      payload: z.unknown(),
      attempts: z.number(),
      maxAttempts: z.number(),
      lastError: z.string(),
      stack: z.string().nullable(),
      diedAt: z.iso.datetime(),
    }),
  ),
  next: z.string().nullable(),
});

let app: TestApp;
afterEach(() => app.close());

const list = async (query = "") =>
  pageSchema.parse((await app.request("GET", `/v1/jobs/dead${query}`)).body);

/** Makes dead jobs. Their handlers fail because the table is renamed. */
async function letDie(count: number): Promise<void> {
  const before = (await list("?limit=200")).jobs.length;
  for (let job = 0; job < count; job++) {
    await app.container.jobs.queue.enqueue(
      "workspaces.invites.send-reminder",
      { inviteId: "0199c2f4-0000-7000-8000-000000000000" },
      { maxAttempts: 1 },
    );
  }
  await eventually(
    "the jobs are dead",
    async () => (await list("?limit=200")).jobs.length === before + count,
  );
}

test.each(["graphile", "memory"])(
  "dead jobs of %s are listed, replayed and removed",
  async (provider) => {
    app = await startTestApp({ JOBS_PROVIDER: provider });
    await app.container.jobs.runtime.start();
    await app.database.pool.query("alter table workspace_invites rename to elsewhere");
    await letDie(3);
    const first = await list("?limit=2");
    expect(first.jobs).toHaveLength(2);
    expect(first.jobs[0]).toMatchObject({
      name: "workspaces.invites.send-reminder",
      payload: { inviteId: "0199c2f4-0000-7000-8000-000000000000" },
      attempts: 1,
      maxAttempts: 1,
    });
    expect(first.jobs[0]?.lastError).toMatch(/A query failed/);
    expect(first.jobs[0]?.stack).toMatch(/at /);
    const second = await list(`?limit=2&after=${encodeURIComponent(first.next ?? "")}`);
    expect(second.jobs).toHaveLength(1);
    expect(second.next).toBeNull();

    await app.database.pool.query("alter table elsewhere rename to workspace_invites");
    const [replayed, removed] = first.jobs;
    const path = `/v1/jobs/dead/${replayed?.id}`;
    expect((await app.request("POST", `${path}/replay`)).status).toBe(202);
    expect((await app.request("POST", `${path}/replay`)).status).toBe(404);
    expect((await app.request("DELETE", `/v1/jobs/dead/${removed?.id}`)).status).toBe(204);
    expect((await app.request("DELETE", `/v1/jobs/dead/${removed?.id}`)).status).toBe(404);
    expect((await list()).jobs.map(({ id }) => id)).toEqual(second.jobs.map(({ id }) => id));
  },
);

test("invalid queries and callers without the token are refused", async () => {
  app = await startTestApp();
  const yearZero = `?after=${encodeURIComponent("0000-01-01T00:00:00.000Z 1")}`;
  const bad = ["?limit=0", "?limit=201", "?limit=x", "?after=yesterday", "?after=", yearZero];
  for (const query of bad) {
    expect((await app.request("GET", `/v1/jobs/dead${query}`)).status).toBe(422);
  }
  expect((await app.request("POST", "/v1/jobs/dead/%00/replay")).status).toBe(400);
  expect((await app.request("DELETE", "/v1/jobs/dead/%F0%9F%8C%8D")).status).toBe(404);
  const stranger = { authorization: "Bearer nobody" };
  expect((await app.request("GET", "/v1/jobs/dead", undefined, stranger)).status).toBe(401);
  expect((await app.request("DELETE", "/v1/jobs/dead/1", undefined, stranger)).status).toBe(401);
});

test("a database without migrations is 503, with the command that mends it", async () => {
  app = await startTestApp();
  await app.database.pool.query("drop table orbit_jobs.dead_jobs");
  const { status, body } = await app.request("GET", "/v1/jobs/dead");
  expect(status).toBe(503);
  expect(JSON.stringify(body)).toContain("npm run db:migrate");
});
