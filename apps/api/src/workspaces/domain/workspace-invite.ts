import { addDays } from "date-fns";
import type { DomainEvent } from "#/kernel/events.ts";

export interface WorkspaceInvite {
  readonly id: string;
  readonly workspaceId: string;
  readonly email: string;
  /** The secret of the invitee's link. */
  readonly token: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly acceptedAt: Date | null;
  readonly revokedAt: Date | null;
}

export type InviteStatus = "pending" | "accepted" | "revoked" | "expired";

/** Told when an invite was made. */
export interface InviteCreated extends DomainEvent {
  readonly type: "workspaces.invite-created";
  readonly inviteId: string;
  readonly createdAt: Date;
}

const DAYS_UNTIL_REMINDER = 3;
const DAYS_UNTIL_EXPIRY = 14;

export function inviteExpiry(createdAt: Date): Date {
  return addDays(createdAt, DAYS_UNTIL_EXPIRY);
}

export function reminderDue(createdAt: Date): Date {
  return addDays(createdAt, DAYS_UNTIL_REMINDER);
}

export function inviteStatus(invite: WorkspaceInvite, now: Date): InviteStatus {
  if (invite.acceptedAt) return "accepted";
  if (invite.revokedAt) return "revoked";
  return invite.expiresAt <= now ? "expired" : "pending";
}

export function isInviteCreated(event: DomainEvent): event is InviteCreated {
  return event.type === "workspaces.invite-created";
}
