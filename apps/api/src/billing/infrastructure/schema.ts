import { sql } from "drizzle-orm";
import { boolean, index, pgTable, smallint, text, timestamp } from "drizzle-orm/pg-core";

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

export const billingEvents = pgTable(
  "billing_events",
  {
    id: text("id").primaryKey(),
    type: text("type").notNull(),
    createdAt: instant("created_at").notNull(),
    // Not jsonb: that reformats the text and cannot hold \u0000.
    payload: text("payload").notNull(),
    receivedAt: instant("received_at").notNull(),
    processedAt: instant("processed_at"),
  },
  (event) => [
    index("billing_events_prunable")
      .on(event.receivedAt)
      .where(sql`${event.processedAt} is not null`),
  ],
);

export const billingSubscriptions = pgTable("billing_subscriptions", {
  id: text("id").primaryKey(),
  customerId: text("customer_id").notNull(),
  status: text("status").notNull(),
  priceId: text("price_id"),
  productId: text("product_id"),
  currentPeriodEnd: instant("current_period_end"),
  cancelAtPeriodEnd: boolean("cancel_at_period_end").notNull(),
  eventCreatedAt: instant("event_created_at").notNull(),
  eventRank: smallint("event_rank").notNull(),
  eventReceivedAt: instant("event_received_at").notNull(),
  eventId: text("event_id").notNull(),
  updatedAt: instant("updated_at").notNull(),
});
