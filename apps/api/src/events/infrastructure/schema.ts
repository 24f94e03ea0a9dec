import { sql } from "drizzle-orm";
import { index, pgTable, text, timestamp, uuid } from "drizzle-orm/pg-core";

export const domainEvents = pgTable(
  "domain_events",
  {
    id: uuid("id").primaryKey(),
    type: text("type").notNull(),
    // JSON, but not jsonb, which cannot hold \u0000.
    data: text("data").notNull(),
    occurredAt: timestamp("occurred_at", { withTimezone: true, mode: "date" }).notNull(),
    /** The projectors that have not applied the event yet. */
    pending: text("pending").array().notNull(),
  },
  (event) => [
    index("domain_events_prunable").on(event.occurredAt).where(sql`${event.pending} = '{}'`),
  ],
);
