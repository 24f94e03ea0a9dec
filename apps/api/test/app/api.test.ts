import { request as httpRequest } from "node:http";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";

const REMINDER = "workspaces.invites.send-reminder";
const INVITE_ID = "0199c2f4-0000-7000-8000-000000000000";

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ JOBS_MAX_PAYLOAD_BYTES: "1000" });
});
afterAll(() => app.close());

async function jobCount(): Promise<number> {
  const { rows } = await app.database.pool.query<{ count: number }>(
    "select count(*)::int from graphile_worker._private_jobs",
  );
  return rows[0]?.count ?? 0;
}

describe("POST /v1/jobs", () => {
  test("enqueues a job with its options", async () => {
    const runAt = "2030-01-01T00:00:00Z";
    const answer = await app.request("POST", "/v1/jobs", {
      name: REMINDER,
      payload: { inviteId: INVITE_ID },
      runAt,
      jobKey: "once",
      maxAttempts: 4,
    });
    expect(answer.status).toBe(202);
    const { rows } = await app.database.pool.query(
      "select run_at, max_attempts from graphile_worker.jobs",
    );
    expect(rows).toEqual([{ run_at: new Date(runAt), max_attempts: 4 }]);
  });

  test("answers with the job's id, and says whether a waiting job absorbed it", async () => {
    const body = { name: REMINDER, payload: { inviteId: INVITE_ID }, jobKey: "answered" };
    const first = await app.request("POST", "/v1/jobs", body);
    const { rows } = await app.database.pool.query<{ id: string }>(
      "select id from graphile_worker._private_jobs where key like '% answered'",
    );
    const [job] = rows;
    expect(first.body).toEqual({ enqueued: { name: REMINDER, id: job?.id, absorbed: false } });
    const second = await app.request("POST", "/v1/jobs", body);
    expect(second).toMatchObject({
      status: 202,
      body: { enqueued: { name: REMINDER, id: job?.id, absorbed: true } },
    });
  });

  const good = { name: REMINDER, payload: { inviteId: INVITE_ID } };
  const bad: readonly [string, unknown, number, string][] = [
    ["an unknown name", { ...good, name: "no.such-job" }, 404, "jobs.unknown_job"],
    ["the name __proto__", { ...good, name: "__proto__" }, 404, "jobs.unknown_job"],
    ["no name", { payload: {} }, 404, "jobs.unknown_job"],
    ["a name that is not a string", { ...good, name: 1 }, 404, "jobs.unknown_job"],
    ["no payload", { name: REMINDER }, 422, "jobs.invalid_payload"],
    ["a wrong payload", { ...good, payload: { inviteId: 1 } }, 422, "jobs.invalid_payload"],
    [
      "an unknown field in the payload",
      { ...good, payload: { inviteId: INVITE_ID, x: 1 } },
      ...([422, "jobs.invalid_payload"] as const),
    ],
    ["a runAt that is not a date", { ...good, runAt: "tomorrow" }, 422, "jobs.invalid_options"],
    ["a runAt that is a number", { ...good, runAt: 5 }, 422, "jobs.invalid_options"],
    [
      "a runAt without a zone",
      { ...good, runAt: "2030-01-01T00:00:00" },
      422,
      "jobs.invalid_options",
    ],
    [
      "an impossible runAt",
      { ...good, runAt: "2030-13-01T00:00:00Z" },
      422,
      "jobs.invalid_options",
    ],
    ["an empty jobKey", { ...good, jobKey: "" }, 422, "jobs.invalid_options"],
    ["a jobKey too long", { ...good, jobKey: "x".repeat(513) }, 422, "jobs.invalid_options"],
    ["a jobKey that is not a string", { ...good, jobKey: {} }, 422, "jobs.invalid_options"],
    ["maxAttempts of 0", { ...good, maxAttempts: 0 }, 422, "jobs.invalid_options"],
    ["maxAttempts as text", { ...good, maxAttempts: "3" }, 422, "jobs.invalid_options"],
    ["a fractional maxAttempts", { ...good, maxAttempts: 1.5 }, 422, "jobs.invalid_options"],
    ["an unknown option", { ...good, runat: 1 }, 422, "jobs.invalid_options"],
    ["a body that is not JSON", "{not json", 422, "jobs.invalid_payload"],
    ["an empty body", "", 422, "jobs.invalid_payload"],
    ["a body that is not an object", [good], 422, "jobs.invalid_payload"],
    [
      "a payload over the limit",
      { ...good, payload: { inviteId: "x".repeat(1_000) } },
      ...([413, "jobs.payload_too_large"] as const),
    ],
    ["a body far over the limit", "x".repeat(100_000), 413, "jobs.payload_too_large"],
  ];

  test.each(bad)("refuses %s and enqueues nothing", async (_title, body, status, code) => {
    const before = await jobCount();
    const answer = await app.request("POST", "/v1/jobs", body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({
      error: { code, message: expect.stringMatching(/\w{3}/) as unknown },
    });
    expect(await jobCount()).toBe(before);
  });

  test("names the invalid fields of a payload, and the size and limit of a large one", async () => {
    const wrong = await app.request("POST", "/v1/jobs", { ...good, payload: { inviteId: 1 } });
    expect(wrong.body).toMatchObject({ error: { issues: [{ path: "inviteId" }] } });
    const large = await app.request("POST", "/v1/jobs", { ...good, payload: "x".repeat(1_000) });
    expect(large.body).toMatchObject({ error: { size: 1_002, limit: 1_000 } });
  });

  test("refuses an endless body without a length", async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${app.server.url}/v1/jobs`, {
        method: "POST",
        headers: { authorization: `Bearer ${app.container.config.apiToken}` },
      });
      request.on("response", (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on("error", reject);
      const chunk = "x".repeat(10_000);
      for (let sent = 0; sent < 10; sent++) request.write(chunk);
    });
    expect(status).toBe(413);
  });
});

describe("the bearer token", () => {
  const routes = [
    ["GET", "/v1/jobs"],
    ["POST", "/v1/jobs"],
    ["POST", "/v1/workspaces"],
    ["GET", "/v1/workspaces/acme/invites"],
    ["DELETE", `/v1/workspaces/acme/invites/${INVITE_ID}`],
    ["GET", "/v1/dev/mails"],
    ["GET", "/v1/nothing"],
  ] as const;

  test.each(routes)("%s %s requires it", async (method, path) => {
    for (const authorization of ["", "Bearer", "Bearer wrong", "Basic dGVzdA==", "bearer \u00e4"]) {
      const answer = await app.request(method, path, undefined, { authorization });
      expect(answer.status).toBe(401);
      expect(answer.body).toMatchObject({ error: { code: "request.unauthorized" } });
    }
  });

  test("GET /health does not require it", async () => {
    const answer = await app.request("GET", "/health", undefined, { authorization: "" });
    expect(answer.body).toEqual({
      status: "degraded",
      provider: "graphile",
      worker: "reconnecting",
      database: "up",
    });
    await app.container.jobs.runtime.start();
    expect((await app.request("GET", "/health")).body).toMatchObject({
      status: "ok",
      worker: "working",
    });
  });
});

describe("errors", () => {
  test("an unknown route is 404", async () => {
    const answer = await app.request("GET", "/nothing");
    expect([answer.status, answer.body]).toMatchObject([
      404,
      { error: { code: "request.not_found" } },
    ]);
  });

  test("an invalid body is refused with the names of its fields", async () => {
    const answer = await app.request("POST", "/v1/workspaces", { slug: "A B", more: 1 });
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).toMatch(/slug.*name.*more/s);
    const text = await app.request("POST", "/v1/workspaces", "nonsense");
    expect([text.status, text.body]).toMatchObject([
      400,
      { error: { code: "request.invalid_json" } },
    ]);
  });

  test("an unexpected error is logged in full and answered without details", async () => {
    await app.database.pool.query("alter table workspaces rename to workspaces_gone");
    const answer = await app.request("POST", "/v1/workspaces", { slug: "beta", name: "Secretive" });
    await app.database.pool.query("alter table workspaces_gone rename to workspaces");
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({
      error: { code: "internal", message: "Something went wrong; it has been logged." },
    });
    const logged = app.logged.at(-1);
    expect(logged?.message).toBe("request failed unexpectedly");
    // The log has the statement and its cause, but not the values from the request.
    expect(inspect(logged, { depth: 10 })).toMatch(/insert into "workspaces"[^]*does not exist/);
    expect(inspect(logged, { depth: 10 })).not.toContain("Secretive");
  });

  test("an enqueue on noop is 409", async () => {
    const noop = await startTestApp({ JOBS_PROVIDER: "noop" });
    const answer = await noop.request("POST", "/v1/jobs", {
      name: REMINDER,
      payload: { inviteId: INVITE_ID },
    });
    expect([answer.status, answer.body]).toMatchObject([
      409,
      { error: { code: "jobs.not_configured" } },
    ]);
    await noop.container.jobs.runtime.start();
    expect(noop.logged.at(-1)?.message).toMatch(/3 scheduled job\(s\) will not run/);
    expect((await noop.request("GET", "/health")).body).toMatchObject({
      status: "ok",
      provider: "noop",
      worker: "off",
    });
    await noop.close();
  });
});
