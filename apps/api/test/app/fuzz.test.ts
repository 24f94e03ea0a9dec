import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { createApp } from "#src/app.ts";
import { databaseState } from "../support/database-state.ts";
import { type FuzzApp, problemOf, startFuzzApp } from "../support/fuzz-app.ts";
import { nearlyGoodRequests, requestTo, routesOf } from "../support/fuzz-requests.ts";

// The routes come from the app, so a new route is tested without a change here.
// Every run sends the same requests. FUZZ_SEED=<a number> sends others.

const RUNS = 60;
const seed = Number(process.env["FUZZ_SEED"] ?? 20_261_124);
process.stdout.write(`fuzz: FUZZ_SEED=${seed}\n`);

async function start(provider: "graphile" | "qstash"): Promise<FuzzApp> {
  const app = await startFuzzApp(provider);
  onTestFinished(() => app.close());
  return app;
}

describe.each(["graphile", "qstash"] as const)("with %s", (provider) => {
  test("no request to any route causes a fault or reveals internals", async () => {
    const app = await start(provider);
    await app.container.jobs.runtime.start();
    const known = await app.fill();
    const { apiToken, databaseUrl } = app.container.config;
    const authorization = `Bearer ${apiToken}`;
    const statuses = new Map<string, Set<number>>();
    for (const route of routesOf(createApp(app.container))) {
      const seen = new Set<number>();
      statuses.set(`${route.method} ${route.path}`, seen);
      await fc.assert(
        fc.asyncProperty(requestTo(route, known), fc.boolean(), async (request, withToken) => {
          const headers = withToken ? { ...request.headers, authorization } : request.headers;
          const answer = await app.send({ ...request, headers });
          seen.add(answer.status);
          expect(problemOf(answer, request, route)).toBeUndefined();
          expect(answer.body).not.toContain(apiToken);
          expect(answer.body).not.toContain(databaseUrl);
        }),
        { seed, numRuns: RUNS },
      );
      for (const request of nearlyGoodRequests(route, known)) {
        const headers = { ...request.headers, authorization };
        const answer = await app.send({ ...request, headers });
        const { body } = request;
        expect({ body, problem: problemOf(answer, request, route) }).toEqual({ body });
      }
      expect((await app.request("GET", "/health")).status).toBe(200);
    }
    // The fuzz must get past the token and past the checks of bodies.
    const some = (route: string) => [...(statuses.get(route) ?? [])];
    expect(some("GET /v1/jobs")).toEqual(expect.arrayContaining([200, 401]));
    expect(some("POST /v1/workspaces")).toEqual(expect.arrayContaining([401, 422]));
    expect(some("POST /v1/jobs")).toEqual(expect.arrayContaining([401, 422]));
    expect([...statuses.keys()]).toContain("POST /v1/jobs/run/:name");
  });

  test("requests without the token change nothing", async () => {
    const app = await start(provider);
    const known = { ...(await app.fill()), secrets: [] };
    const before = await databaseState(app.database);
    for (const route of routesOf(createApp(app.container))) {
      await fc.assert(
        fc.asyncProperty(requestTo(route, known), async (request) => {
          const answer = await app.send(request);
          expect(problemOf(answer, request, route)).toBeUndefined();
          expect(answer.status >= 400 || route.path === "/health").toBe(true);
        }),
        { seed, numRuns: RUNS },
      );
    }
    expect(await databaseState(app.database)).toEqual(before);
  });
});
