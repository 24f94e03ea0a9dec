import { expect } from "vitest";
import { z } from "zod";
import { eventually } from "#src/jobs/testing/probe.ts";
import { startTestApp, type TestApp } from "./app.ts";
import { deliver, type EventFacts, stripeEvent, WEBHOOK_SECRET } from "./stripe.ts";

export const startBillingApp = (env: Record<string, string> = {}): Promise<TestApp> =>
  startTestApp({ STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET, ...env });

export const NEW = { status: 200, body: { ok: true, processed: true } };
export const REPLAY = { status: 200, body: { ok: true, processed: false } };

interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly payload: string;
  readonly processed_at: Date | null;
}

export async function storedEvents({ database }: TestApp): Promise<readonly EventRow[]> {
  const { rows } = await database.pool.query<EventRow>(
    "select id, type, payload, processed_at from billing_events order by id",
  );
  return rows;
}

/** The payloads of projections that wait on graphile. */
export async function waitingProjections({ database }: TestApp): Promise<readonly unknown[]> {
  const { rows } = await database.pool.query<{ payload: unknown }>(
    `select payload from graphile_worker._private_jobs jobs
       join graphile_worker._private_tasks tasks on tasks.id = task_id
      where identifier = 'billing.events.project'`,
  );
  return rows.map(({ payload }) => payload);
}

/** The number of rows of `select from …`. */
export async function countRows({ database }: TestApp, from: string): Promise<number> {
  const { rowCount } = await database.pool.query(`select from ${from}`);
  return rowCount ?? 0;
}

/** Delivers events in order, waiting for each to be projected. */
export async function project(app: TestApp, ...all: readonly EventFacts[]): Promise<void> {
  for (const facts of all) {
    expect(await deliver(app, stripeEvent(facts))).toMatchObject({ status: 200 });
    await eventually(
      "the event is projected",
      async () => (await countRows(app, "billing_events where processed_at is null")) === 0,
    );
  }
}

const shown = z.object({
  subscription: z.object({ status: z.string(), source: z.object({ eventId: z.string() }) }),
});

/** The state of the subscription that the API shows, as "status by event". */
export async function stateOf(app: TestApp): Promise<string> {
  const { body } = await app.request("GET", "/v1/billing/subscriptions/sub_1");
  const { status, source } = shown.parse(body).subscription;
  return `${status} by ${source.eventId}`;
}
