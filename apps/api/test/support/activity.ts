import { expect } from "vitest";
import { z } from "zod";
import type { TestApp } from "./app.ts";

const feed = z.object({
  activity: z.array(
    z.strictObject({
      id: z.uuid(),
      type: z.string(),
      email: z.string().nullable(),
      occurredAt: z.iso.datetime(),
    }),
  ),
});

/** The activity feed of the workspace "acme", as "type email" lines, newest first. */
export async function activity(app: TestApp, query = ""): Promise<readonly string[]> {
  const { status, body } = await app.request("GET", `/v1/workspaces/acme/activity${query}`);
  expect(status).toBe(200);
  return feed.parse(body).activity.map(({ type, email }) => (email ? `${type} ${email}` : type));
}

export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly pending: readonly string[];
}

export async function storedEvents({ database }: TestApp): Promise<readonly StoredEvent[]> {
  const { rows } = await database.pool.query<StoredEvent>(
    "select id, type, pending from domain_events order by occurred_at, id",
  );
  return rows;
}

export async function createAcme(app: TestApp): Promise<void> {
  const { status } = await app.request("POST", "/v1/workspaces", { slug: "acme", name: "Acme" });
  expect(status).toBe(201);
}
