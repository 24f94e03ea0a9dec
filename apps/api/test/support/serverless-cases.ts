import { DEV_CREDENTIALS } from "@orbit/qstash-dev";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "#src/jobs/testing/probe.ts";
import { freePort } from "./free-port.ts";
import { startProcess } from "./process.ts";
import {
  openServerlessWorld,
  type ServerlessWorld,
  type StartDeployment,
} from "./serverless-world.ts";
import { sign } from "./sign.ts";
import { stripeEvent, stripeSignature, WEBHOOK_PATH } from "./stripe.ts";

const DAY_MS = 86_400_000;
const CLEANUP = "/v1/jobs/run/cleanup.stale-invites";

/** The cases of every serverless platform: the deployed code with Postgres and the local QStash. */
export function serverlessCases(start: StartDeployment): void {
  let world: ServerlessWorld;

  beforeAll(async () => {
    world = await openServerlessWorld(start);
  });
  afterAll(() => world.close());

  const cleanedUp = () =>
    eventually(
      "the expired invite is deleted",
      async () => (await world.countExpiredInvites()) === 0,
    );

  test("it serves the API from Postgres and reports that on /health", async () => {
    expect(await world.call("GET", "/health")).toMatchObject({
      status: 200,
      body: { provider: "qstash", database: "up" },
    });
    const acme = { slug: "acme", name: "Acme" };
    expect((await world.call("POST", "/v1/workspaces", acme)).status).toBe(201);
    const { body } = await world.call("GET", "/v1/workspaces/acme/invites");
    expect(body).toEqual({ invites: [] });
    const stranger = { authorization: "Bearer of-another-service" };
    expect((await world.call("GET", "/v1/jobs", undefined, stranger)).status).toBe(401);
  });

  test("an invite's reminder is mailed three days later", async () => {
    const invite = { email: "ann@example.com" };
    expect((await world.call("POST", "/v1/workspaces/acme/invites", invite)).status).toBe(201);
    expect(world.mails).toEqual([]);
    world.clock.jump(3 * DAY_MS);
    await eventually("the reminder is sent", async () => world.mails.length === 1);
    expect(world.mails[0]).toMatch(/^to ann@example\.com$/m);
  });

  test("a job runs and changes the database", async () => {
    await world.addExpiredInvite();
    const { status } = await world.call("POST", "/v1/jobs", {
      name: "cleanup.stale-invites",
      payload: { olderThanHours: 1 },
      jobKey: "now",
    });
    expect(status).toBe(202);
    await cleanedUp();
  });

  test("schedules:sync creates the schedules, and a tick runs its job", async () => {
    await world.addExpiredInvite();
    const sync = startProcess("src/schedules-sync.ts", world.env);
    expect(await sync.exit).toBe(0);
    expect(sync.stdout()).toMatch(/^created orbit_.*cleanup\.stale-invites$/m);
    world.clock.jump(3_600_000);
    await cleanedUp();
  });

  test("a delivery that QStash did not sign for this route is refused and runs nothing", async () => {
    await world.addExpiredInvite();
    const body = JSON.stringify({ olderThanHours: 0 });
    const deliver = (signature: string) =>
      world.call("POST", CLEANUP, body, { "upstash-signature": signature });
    const good = { key: DEV_CREDENTIALS.currentSigningKey, url: world.url + CLEANUP, body };
    const bad = [
      sign({ ...good, key: "sig_of_somebody_else" }),
      sign({ ...good, url: `${world.url}/v1/jobs/run/workspaces.invites.send-reminder` }),
      sign({ ...good, body: "{}" }),
      sign({ ...good, age: 600 }),
      sign({ ...good, age: -600 }),
      sign({ ...good, algorithm: "none" }),
    ];
    for (const signature of bad) {
      expect(await deliver(signature)).toMatchObject({
        status: 401,
        body: { error: { code: "jobs.invalid_signature" } },
      });
    }
    expect(await world.countExpiredInvites()).toBe(1);
    const signature = sign({ ...good, key: DEV_CREDENTIALS.nextSigningKey });
    expect((await deliver(signature)).status).toBe(200);
    expect(await world.countExpiredInvites()).toBe(0);
  });

  test("a delivery of an unknown job is 404", async () => {
    const path = "/v1/jobs/run/of-another-version";
    const key = DEV_CREDENTIALS.currentSigningKey;
    const signature = sign({ key, url: world.url + path, body: "{}" });
    const answer = await world.call("POST", path, "{}", { "upstash-signature": signature });
    expect(answer).toMatchObject({ status: 404, body: { error: { code: "jobs.unknown_job" } } });
  });

  test("an event that Stripe signed is stored once and projected, a forged one is refused", async () => {
    const event = stripeEvent({ id: "evt_1" });
    const receive = (signature: string) =>
      world.call("POST", WEBHOOK_PATH, event, { "stripe-signature": signature });
    const forged = await receive(stripeSignature(event, { secret: "whsec_of_somebody_else" }));
    expect(forged).toMatchObject({
      status: 401,
      body: { error: { code: "billing.invalid_signature" } },
    });
    const good = stripeSignature(event);
    expect(await receive(good)).toEqual({ status: 200, body: { ok: true, processed: true } });
    expect(await receive(good)).toEqual({ status: 200, body: { ok: true, processed: false } });
    await eventually("the event is projected", async () => {
      const found = await world.call("GET", "/v1/billing/subscriptions/sub_1");
      return found.status === 200;
    });
  });

  test("many concurrent requests are served, and their connections are closed", async () => {
    const calls = Array.from({ length: 30 }, () =>
      world.call("GET", "/v1/workspaces/acme/invites"),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual(calls.map(() => 200));
    await eventually("all connections are closed", async () => {
      const { rowCount } = await world.database.pool.query(
        "select from pg_stat_activity where application_name = 'orbit-api' and datname = current_database()",
      );
      return rowCount === 0;
    });
  });

  test.each([
    ["a secret is missing", { QSTASH_TOKEN: "" }, "QSTASH_TOKEN must be set"],
    [
      "graphile is chosen, which needs a process",
      { JOBS_PROVIDER: "graphile" },
      "must be qstash or noop",
    ],
  ])("when %s, only the log has the reason", async (_, wrong, problem) => {
    const port = await freePort();
    const deployment = await start(port, { ...world.env, ...wrong });
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/health`);
      expect(answer.status).toBe(500);
      expect(await answer.json()).toEqual({
        error: {
          code: "misconfigured",
          message: "This deployment is not configured. Its log says what is missing.",
        },
      });
      await eventually("the reason is logged", async () => deployment.log().includes(problem));
    } finally {
      await deployment.stop();
    }
  });
}
