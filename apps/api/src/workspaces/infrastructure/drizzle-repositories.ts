import { and, desc, eq, isNull, lt, lte } from "drizzle-orm";
import type { Database } from "#src/infrastructure/database.ts";
import type {
  WorkspaceActivityRepository,
  WorkspaceInviteRepository,
  WorkspaceRepository,
} from "../application/repositories.ts";
import { workspaceActivity, workspaceInvites, workspaces } from "./schema.ts";

export function drizzleWorkspaces(db: Database): WorkspaceRepository {
  return {
    async add(workspace) {
      const added = await db
        .insert(workspaces)
        .values(workspace)
        .onConflictDoNothing({ target: workspaces.slug })
        .returning({ id: workspaces.id });
      return added.length === 1;
    },
    async findById(id) {
      const [row] = await db.select().from(workspaces).where(eq(workspaces.id, id));
      return row;
    },
    async findBySlug(slug) {
      const [row] = await db.select().from(workspaces).where(eq(workspaces.slug, slug));
      return row;
    },
  };
}

const isOpen = and(isNull(workspaceInvites.acceptedAt), isNull(workspaceInvites.revokedAt));

export function drizzleWorkspaceInvites(db: Database): WorkspaceInviteRepository {
  return {
    async add(invite) {
      const added = await db
        .insert(workspaceInvites)
        .values(invite)
        .onConflictDoNothing({
          target: [workspaceInvites.workspaceId, workspaceInvites.email],
          ...(isOpen && { where: isOpen }),
        })
        .returning({ id: workspaceInvites.id });
      return added.length === 1;
    },
    async findById(id) {
      const [row] = await db.select().from(workspaceInvites).where(eq(workspaceInvites.id, id));
      return row;
    },
    async findByTokenForUpdate(token) {
      const [row] = await db
        .select()
        .from(workspaceInvites)
        .where(eq(workspaceInvites.token, token))
        .for("update");
      return row;
    },
    list: (workspaceId, limit) =>
      db
        .select()
        .from(workspaceInvites)
        .where(eq(workspaceInvites.workspaceId, workspaceId))
        .orderBy(desc(workspaceInvites.createdAt))
        .limit(limit),
    async markAccepted(id, at) {
      await db.update(workspaceInvites).set({ acceptedAt: at }).where(eq(workspaceInvites.id, id));
    },
    async revoke(workspaceId, id, at) {
      const [revoked] = await db
        .update(workspaceInvites)
        .set({ revokedAt: at })
        .where(
          and(eq(workspaceInvites.id, id), eq(workspaceInvites.workspaceId, workspaceId), isOpen),
        )
        .returning();
      return revoked;
    },
    async closeExpired(workspaceId, email, now) {
      await db
        .update(workspaceInvites)
        .set({ revokedAt: now })
        .where(
          and(
            eq(workspaceInvites.workspaceId, workspaceId),
            eq(workspaceInvites.email, email),
            lte(workspaceInvites.expiresAt, now),
            isOpen,
          ),
        );
    },
    async deleteExpiredBefore(cutoff) {
      const deleted = await db
        .delete(workspaceInvites)
        .where(and(lt(workspaceInvites.expiresAt, cutoff), isNull(workspaceInvites.acceptedAt)))
        .returning({ id: workspaceInvites.id });
      return deleted.length;
    },
  };
}

export function drizzleWorkspaceActivity(db: Database): WorkspaceActivityRepository {
  return {
    async add(activity) {
      // Locks the workspace, so that nobody deletes it before the entry refers to it.
      const [workspace] = await db
        .select({ id: workspaces.id })
        .from(workspaces)
        .where(eq(workspaces.id, activity.workspaceId))
        .for("key share");
      if (workspace) await db.insert(workspaceActivity).values(activity).onConflictDoNothing();
    },
    list: (workspaceId, limit) =>
      db
        .select()
        .from(workspaceActivity)
        .where(eq(workspaceActivity.workspaceId, workspaceId))
        .orderBy(desc(workspaceActivity.occurredAt), desc(workspaceActivity.id))
        .limit(limit),
  };
}
