import { createQStashDev, DEV_CREDENTIALS } from "@orbit/qstash-dev";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import { activity, createAcme, storedEvents } from "../support/activity.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type Front, openFront } from "../support/front.ts";
import { type JumpClock, jumpClock } from "../support/jump-clock.ts";
import { NOBODY } from "../support/qstash-options.ts";

const PROJECTOR = "workspaces.activity.project";

let database: TestDatabase;
let clock: JumpClock;
let front: Front;
let log: string[];
let qstashUrl: string;

beforeEach(async () => {
  database = await createTestDatabase();
  clock = jumpClock();
  front = await openFront();
  log = [];
  const qstash = createQStashDev({ clock, log: (line) => log.push(line) });
  qstashUrl = await qstash.start();
  onTestFinished(() => qstash.close());
});
afterEach(async () => {
  await front.close();
  await database.drop();
});

async function startApp(env: Record<string, string> = {}): Promise<TestApp> {
  const app = await startTestApp(
    {
      JOBS_PROVIDER: "qstash",
      QSTASH_URL: qstashUrl,
      QSTASH_TOKEN: DEV_CREDENTIALS.token,
      QSTASH_CURRENT_SIGNING_KEY: DEV_CREDENTIALS.currentSigningKey,
      QSTASH_NEXT_SIGNING_KEY: DEV_CREDENTIALS.nextSigningKey,
      QSTASH_CALLBACK_URL: front.url,
      ...env,
    },
    database,
  );
  onTestFinished(() => app.close());
  return app;
}

function serve({ container }: TestApp): void {
  if (!container.jobs.dispatcher) throw new Error("qstash has a dispatcher");
  front.add(container.jobs.dispatcher);
}

const lines = (state: string) =>
  log.filter((line) => line.startsWith(state) && line.includes(`/v1/jobs/run/${PROJECTOR}`));

test("an event is projected by the job that its commit published", async () => {
  const app = await startApp();
  serve(app);
  await createAcme(app);
  await eventually("the job is delivered", async () => lines("DELIVERED").length === 1);
  expect(await activity(app)).toEqual(["workspace.created"]);
  expect(await storedEvents(app)).toMatchObject([{ pending: [] }]);
});

test("a delivery that comes again after the projection's commit changes nothing", async () => {
  const app = await startApp();
  serve(app);
  front.loseAnswers(1);
  await createAcme(app);
  await eventually("QStash will try again", async () => lines("RETRY").length === 1);
  expect(await activity(app)).toEqual(["workspace.created"]);
  // As if the process had died before it recorded the end of the run.
  await database.pool.query("delete from orbit_jobs.qstash_messages");
  // The ledger alone must keep the entry from coming back.
  await database.pool.query("delete from workspace_activity");
  clock.jump(60_000);
  await eventually("the job is delivered", async () => lines("DELIVERED").length === 1);
  expect(await activity(app)).toEqual([]);
  const { rows } = await database.pool.query("select consumer from orbit_jobs.processed");
  expect(rows).toEqual([{ consumer: PROJECTOR }]);
});

test("an event whose process died after the commit is projected once by the next process", async () => {
  // Publishes nothing, as if it had died between its commit and the publication.
  const died = await startApp({ QSTASH_URL: NOBODY });
  await createAcme(died);
  const [event] = await storedEvents(died);
  const outbox = "select payload from orbit_jobs.job_outbox";
  expect((await database.pool.query(outbox)).rows).toEqual([
    { payload: JSON.stringify({ eventId: event?.id }) },
  ]);
  await database.pool.query("update orbit_jobs.job_outbox set claimed_until = '-infinity'");

  const next = await startApp();
  serve(next);
  await next.container.jobs.runtime.start();
  await eventually("the job is delivered", async () => lines("DELIVERED").length === 1);
  expect(await activity(next)).toEqual(["workspace.created"]);
  expect((await database.pool.query(outbox)).rows).toEqual([]);
  expect(await storedEvents(next)).toMatchObject([{ id: event?.id, pending: [] }]);
});

test("a rolled-back event is neither stored nor published", async () => {
  const app = await startApp();
  serve(app);
  const working = app.container.jobs.core.uow.run(async (tx) => {
    await tx.events.record({ type: "workspace.created", data: { workspaceId: "1" } });
    throw new Error("roll back");
  });
  await expect(working).rejects.toThrow("roll back");
  await createAcme(app);
  await eventually("a job is delivered", async () => lines("DELIVERED").length === 1);
  expect(lines("CREATED")).toHaveLength(1);
  expect(await storedEvents(app)).toHaveLength(1);
});
