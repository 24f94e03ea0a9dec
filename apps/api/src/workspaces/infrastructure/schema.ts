import { sql } from "drizzle-orm";
import { index, pgTable, text, timestamp, uniqueIndex, uuid } from "drizzle-orm/pg-core";

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

export const workspaces = pgTable("workspaces", {
  id: uuid("id").primaryKey(),
  slug: text("slug").notNull().unique(),
  name: text("name").notNull(),
  createdAt: instant("created_at").notNull(),
});

export const workspaceInvites = pgTable(
  "workspace_invites",
  {
    id: uuid("id").primaryKey(),
    workspaceId: uuid("workspace_id")
      .notNull()
      .references(() => workspaces.id, { onDelete: "cascade" }),
    email: text("email").notNull(),
    token: text("token").notNull().unique(),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    acceptedAt: instant("accepted_at"),
    revokedAt: instant("revoked_at"),
  },
  (invite) => [
    index("workspace_invites_newest").on(invite.workspaceId, invite.createdAt.desc()),
    uniqueIndex("workspace_invites_one_open")
      .on(invite.workspaceId, invite.email)
      .where(sql`${invite.acceptedAt} is null and ${invite.revokedAt} is null`),
    index("workspace_invites_expiring")
      .on(invite.expiresAt)
      .where(sql`${invite.acceptedAt} is null`),
  ],
);

export const workspaceActivity = pgTable(
  "workspace_activity",
  {
    // The event's id, so that an event makes one entry.
    id: uuid("id").primaryKey(),
    workspaceId: uuid("workspace_id")
      .notNull()
      .references(() => workspaces.id, { onDelete: "cascade" }),
    type: text("type").notNull(),
    email: text("email"),
    occurredAt: instant("occurred_at").notNull(),
  },
  (activity) => [
    // Read backwards for the newest entries.
    index("workspace_activity_order").on(activity.workspaceId, activity.occurredAt, activity.id),
  ],
);
