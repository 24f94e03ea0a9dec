import { addDays } from "date-fns/addDays";
import { addHours } from "date-fns/addHours";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp, type TestApp } from "../support/app.ts";

let app: TestApp;

beforeEach(async () => {
  app = await startTestApp();
  await app.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
});
afterEach(() => app.close());

const madeInvite = z.object({ invite: z.object({ id: z.string(), token: z.string() }) });

async function invite(email: string): Promise<{ id: string; token: string }> {
  const { body } = await app.request("POST", "/v1/workspaces/acme/invites", { email });
  return madeInvite.parse(body).invite;
}

async function statuses(): Promise<string[]> {
  const { body } = await app.request("GET", "/v1/workspaces/acme/invites");
  const { invites } = z
    .object({ invites: z.array(z.object({ email: z.string(), status: z.string() })) })
    .parse(body);
  return invites.map(({ email, status }) => `${email} ${status}`);
}

function waitingReminders() {
  return app.database.pool.query<{ key: string; run_at: Date; payload: unknown }>(
    `select key, run_at, payload from graphile_worker._private_jobs jobs
       join graphile_worker._private_tasks tasks on tasks.id = task_id
      where identifier = 'workspaces.invites.send-reminder'`,
  );
}

function remindNow(inviteId: string) {
  return app.request("POST", "/v1/jobs", {
    name: "workspaces.invites.send-reminder",
    payload: { inviteId },
  });
}

test("the slug of a workspace is unique", async () => {
  const created = await app.request("POST", "/v1/workspaces", { slug: "beta", name: " Beta " });
  expect(created.status).toBe(201);
  expect(created.body).toMatchObject({ workspace: { slug: "beta", name: "Beta" } });
  const again = await app.request("POST", "/v1/workspaces", { slug: "beta", name: "Other" });
  expect(again.status).toBe(409);
  expect(again.body).toMatchObject({ error: { code: "workspaces.slug_taken" } });
});

test("an invite is listed and revoked, and the address can be invited again", async () => {
  const { id } = await invite("Ann@Example.com");
  expect(await statuses()).toEqual(["ann@example.com pending"]);
  const twice = await app.request("POST", "/v1/workspaces/acme/invites", {
    email: "ann@example.com",
  });
  expect(twice.body).toMatchObject({ error: { code: "workspaces.already_invited" } });
  expect((await app.request("DELETE", `/v1/workspaces/acme/invites/${id}`)).status).toBe(204);
  const revokedTwice = await app.request("DELETE", `/v1/workspaces/acme/invites/${id}`);
  expect(revokedTwice.status).toBe(404);
  await invite("ann@example.com");
  expect(await statuses()).toEqual(["ann@example.com pending", "ann@example.com revoked"]);
});

test("the invitee accepts once, without the API token", async () => {
  const { token } = await invite("ann@example.com");
  const accept = () =>
    fetch(`${app.server.url}/v1/invites/${token}/accept`, { method: "POST" }).then(
      async (response) => ({ status: response.status, body: await response.json() }),
    );
  const answers = await Promise.all([accept(), accept()]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  expect(answers).toContainEqual({
    status: 200,
    body: { workspace: { id: expect.any(String) as unknown, slug: "acme", name: "Acme" } },
  });
  expect(await statuses()).toEqual(["ann@example.com accepted"]);
});

test("an expired invite cannot be accepted and does not block a new one", async () => {
  const { token } = await invite("ann@example.com");
  app.clock.time = addDays(new Date(), 15);
  const late = await app.request("POST", `/v1/invites/${token}/accept`);
  expect(late.body).toMatchObject({ error: { code: "workspaces.invite_closed" } });
  const again = await app.request("POST", "/v1/workspaces/acme/invites", {
    email: "ann@example.com",
  });
  expect(again.status).toBe(201);
});

test("an invite enqueues its reminder for three days later, with its id as the key", async () => {
  const { id } = await invite("ann@example.com");
  const { rows } = await waitingReminders();
  expect(rows).toHaveLength(1);
  expect(rows[0]?.payload).toEqual({ inviteId: id });
  expect(rows[0]?.key).toContain(id);
  const due = addDays(new Date(), 3).getTime();
  expect(Math.abs((rows[0]?.run_at.getTime() ?? 0) - due)).toBeLessThan(60_000);
});

test("a due reminder is mailed within a second", async () => {
  await app.container.jobs.runtime.start();
  const { id, token } = await invite("ann@example.com");
  const asked = performance.now();
  expect((await remindNow(id)).status).toBe(202);
  await eventually(
    "the reminder is sent",
    async () => app.container.developmentMailer?.sent().length === 1,
  );
  expect(performance.now() - asked).toBeLessThan(1_000);
  const { body } = await app.request("GET", "/v1/dev/mails");
  expect(body).toMatchObject({
    mails: [{ to: "ann@example.com", subject: "Your invitation to Acme is waiting" }],
  });
  expect(JSON.stringify(body)).toContain(token);
});

test.each(["accepted", "revoked"])("an invite that was %s gets no reminder", async (how) => {
  const { id, token } = await invite("ann@example.com");
  if (how === "accepted") await app.request("POST", `/v1/invites/${token}/accept`);
  else await app.request("DELETE", `/v1/workspaces/acme/invites/${id}`);
  await app.container.jobs.runtime.start();
  await remindNow(id);
  const other = await invite("ben@example.com");
  await remindNow(other.id);
  await eventually("both jobs have run", async () => (await waitingReminders()).rows.length === 2);
  expect(app.container.developmentMailer?.sent().map(({ to }) => to)).toEqual(["ben@example.com"]);
});

test("the hourly job deletes stale invites, but no accepted or recent ones", async () => {
  await invite("stale@example.com");
  const joined = await invite("joined@example.com");
  await app.request("POST", `/v1/invites/${joined.token}/accept`);
  app.clock.time = addHours(addDays(new Date(), 14), 337);
  await invite("recent@example.com");
  const { body } = await app.request("GET", "/v1/jobs");
  expect(body).toMatchObject({
    jobs: expect.arrayContaining([
      expect.objectContaining({
        name: "cleanup.stale-invites",
        maxAttempts: 3,
        schedule: { cron: "0 * * * *", timezone: "UTC" },
        nextTick: expect.stringMatching(/T\d\d:00:00\.000Z$/) as unknown,
      }),
    ]) as unknown,
  });
  await app.container.jobs.runtime.start();
  await app.container.jobs.queue.enqueue("cleanup.stale-invites", { olderThanHours: 336 });
  await eventually("the stale invite is deleted", async () => (await statuses()).length === 2);
  expect((await statuses()).map((line) => line.split(" ")[0])).toEqual([
    "recent@example.com",
    "joined@example.com",
  ]);
});

test("a refused invite enqueues no reminder", async () => {
  const bad = await app.request("POST", "/v1/workspaces/nowhere/invites", { email: "a@b.co" });
  expect(bad.status).toBe(404);
  expect((await waitingReminders()).rows).toEqual([]);
});

test("without a provider an invite is created, and the log says that it has no reminder", async () => {
  const bare = await startTestApp({ JOBS_PROVIDER: "noop" });
  await bare.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
  const made = await bare.request("POST", "/v1/workspaces/acme/invites", {
    email: "a@example.com",
  });
  expect(made.status).toBe(201);
  expect(bare.logged.map(({ message }) => message)).toContain(
    "invite created without a reminder: no job provider",
  );
  await bare.close();
});
