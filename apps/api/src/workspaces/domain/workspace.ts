import { addDays } from "date-fns/addDays";

export interface Workspace {
  readonly id: string;
  /** Unique and part of URLs: 2 to 48 characters of a-z, 0-9 and inner hyphens. */
  readonly slug: string;
  readonly name: string;
  readonly createdAt: Date;
}

export interface WorkspaceInvite {
  readonly id: string;
  readonly workspaceId: string;
  readonly email: string;
  /** The secret in the invitee's link. */
  readonly token: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly acceptedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** One entry of a workspace's activity feed. */
export interface WorkspaceActivity {
  /** The event's id. */
  readonly id: string;
  readonly workspaceId: string;
  /** The event's type. */
  readonly type: string;
  /** The invited address; `null` if the event is about no invite. */
  readonly email: string | null;
  readonly occurredAt: Date;
}

export type InviteStatus = "pending" | "accepted" | "revoked" | "expired";

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
