import { and, asc, eq, inArray, lt, sql } from "drizzle-orm";
import type { Database } from "#src/infrastructure/database.ts";
import { storableJson } from "#src/infrastructure/drizzle-sql.ts";
import type { DomainEventRepository } from "../application/event-log.ts";
import { domainEvents } from "./schema.ts";

const isProjected = sql`${domainEvents.pending} = '{}'`;

export function drizzleDomainEvents(db: Database): DomainEventRepository {
  return {
    async add({ data, ...event }, projectors) {
      const json = await storableJson(db, JSON.stringify(data));
      await db.insert(domainEvents).values({ ...event, data: json, pending: [...projectors] });
    },
    async findById(id) {
      const [row] = await db.select().from(domainEvents).where(eq(domainEvents.id, id));
      if (!row) return undefined;
      const { type, data, occurredAt } = row;
      return { id, type, data: JSON.parse(data) as unknown, occurredAt };
    },
    async markProjected(id, projector) {
      await db
        .update(domainEvents)
        .set({ pending: sql`array_remove(${domainEvents.pending}, ${projector})` })
        .where(eq(domainEvents.id, id));
    },
    async deleteProjectedBefore(cutoff, limit) {
      const oldest = db
        .select({ id: domainEvents.id })
        .from(domainEvents)
        .where(and(isProjected, lt(domainEvents.occurredAt, cutoff)))
        .orderBy(asc(domainEvents.occurredAt))
        .limit(limit);
      const deleted = await db
        .delete(domainEvents)
        .where(inArray(domainEvents.id, oldest))
        .returning({ id: domainEvents.id });
      return deleted.length;
    },
  };
}
