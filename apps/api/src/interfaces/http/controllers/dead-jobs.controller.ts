import { Hono } from "hono";
import type { DeadJob, DeadJobs, DeadJobsCursor } from "#src/jobs/application/dead-jobs.ts";
import { AppError } from "#src/kernel/errors.ts";
import { changedNumbers } from "../changed-numbers.ts";
import { readPageLimit } from "../limits.ts";

/** Lists, replays and deletes dead jobs. Requires the bearer token. */
export function deadJobsController(dead: DeadJobs): Hono {
  return new Hono()
    .get("/jobs/dead", async (c) => {
      const limit = readPageLimit(c.req.query("limit"));
      const jobs = await dead.list(limit, readCursor(c.req.query("after")));
      const last = jobs.length === limit ? jobs.at(-1) : undefined;
      return c.json({ jobs: jobs.map(toJson), next: last ? cursorOf(last) : null });
    })
    .post("/jobs/dead/:id/replay", async (c) => {
      const id = c.req.param("id");
      if (!(await dead.replay(id))) throw notFound();
      return c.json({ replayed: { id } }, 202);
    })
    .delete("/jobs/dead/:id", async (c) => {
      if (!(await dead.remove(c.req.param("id")))) throw notFound();
      return c.body(null, 204);
    });
}

function toJson({ payload, stack, diedAt, ...job }: DeadJob) {
  return { ...job, payload: parsed(payload), stack: stack ?? null, diedAt };
}

/**
 * Shows a payload as text if it is not JSON, or if a number in it would change. Only another program can
 * have stored one.
 */
function parsed(payload: string): unknown {
  try {
    const value: unknown = JSON.parse(payload);
    return changedNumbers(payload).next().done ? value : payload;
  } catch {
    return payload;
  }
}

function cursorOf({ diedAt, id }: DeadJobsCursor): string {
  return `${diedAt.toISOString()} ${id}`;
}

function readCursor(text: string | undefined): DeadJobsCursor | undefined {
  if (text === undefined) return undefined;
  const [, time = "", id = ""] = /^(\S{24}) ([ -~]{1,200})$/.exec(text) ?? [];
  const diedAt = new Date(time);
  const year = diedAt.getUTCFullYear();
  // The year of an invalid date is NaN. Postgres has no year before 1.
  if (!(year >= 1 && year <= 9999)) {
    throw badRequest('"after" must be the "next" of the previous page.');
  }
  return { diedAt, id };
}

function badRequest(message: string): AppError {
  return new AppError("request.invalid", 422, message);
}

function notFound(): AppError {
  return new AppError("jobs.dead_job_not_found", 404, "There is no such dead job.");
}
