import { and, asc, eq, getTableColumns, inArray, isNotNull, lt, sql } from "drizzle-orm";
import type { Database } from "#src/infrastructure/database.ts";
import { storableJson } from "#src/infrastructure/drizzle-sql.ts";
import type {
  BillingEventRepository,
  SubscriptionRepository,
} from "../application/repositories.ts";
import { billingEvents, billingSubscriptions } from "./schema.ts";

export function drizzleBillingEvents(db: Database): BillingEventRepository {
  return {
    async add(event) {
      const added = await db
        .insert(billingEvents)
        .values({ ...event, payload: await storableJson(db, event.payload) })
        .onConflictDoNothing({ target: billingEvents.id })
        .returning({ id: billingEvents.id });
      return added.length === 1;
    },
    async findById(id) {
      const [row] = await db.select().from(billingEvents).where(eq(billingEvents.id, id));
      return row;
    },
    async markProcessed(id, at) {
      await db.update(billingEvents).set({ processedAt: at }).where(eq(billingEvents.id, id));
    },
    async deleteProcessedBefore(cutoff, limit) {
      const oldest = db
        .select({ id: billingEvents.id })
        .from(billingEvents)
        .where(and(isNotNull(billingEvents.processedAt), lt(billingEvents.receivedAt, cutoff)))
        .orderBy(asc(billingEvents.receivedAt))
        .limit(limit);
      const deleted = await db
        .delete(billingEvents)
        .where(inArray(billingEvents.id, oldest))
        .returning({ id: billingEvents.id });
      return deleted.length;
    },
  };
}

const { id: _id, ...replaced } = getTableColumns(billingSubscriptions);

/** Columns of the existing row that take the new values. */
const newer = Object.fromEntries(
  Object.entries(replaced).map(([key, { name }]) => [key, sql.raw(`excluded.${name}`)]),
);

// Compared inside the statement, because two jobs may project the same subscription at once.
const isOlder = sql`(${billingSubscriptions.eventCreatedAt}, ${billingSubscriptions.eventRank}, ${billingSubscriptions.eventReceivedAt}, ${billingSubscriptions.eventId} collate "C")
  < (excluded.event_created_at, excluded.event_rank, excluded.event_received_at, excluded.event_id collate "C")`;

export function drizzleSubscriptions(db: Database): SubscriptionRepository {
  return {
    async findById(id) {
      const [row] = await db
        .select()
        .from(billingSubscriptions)
        .where(eq(billingSubscriptions.id, id));
      if (!row) return undefined;
      const { eventCreatedAt, eventRank, eventReceivedAt, eventId, ...state } = row;
      return { ...state, source: { eventCreatedAt, eventRank, eventReceivedAt, eventId } };
    },
    async saveIfNewer({ source, ...state }) {
      const written = await db
        .insert(billingSubscriptions)
        .values({ ...state, ...source })
        .onConflictDoUpdate({ target: billingSubscriptions.id, set: newer, setWhere: isOlder })
        .returning({ id: billingSubscriptions.id });
      return written.length === 1;
    },
  };
}
