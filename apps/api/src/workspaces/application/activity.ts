import { z } from "zod";
import type { DomainEvent } from "#src/kernel/events.ts";
import type { WorkspaceActivity } from "../domain/workspace.ts";

interface InviteData {
  workspaceId: string;
  inviteId: string;
  email: string;
}

declare module "#src/kernel/events.ts" {
  interface DomainEvents {
    "workspace.created": { workspaceId: string };
    "workspace.invite.created": InviteData;
    "workspace.invite.accepted": InviteData;
    "workspace.invite.revoked": InviteData;
  }
}

const shownData = z.object({ workspaceId: z.uuid(), email: z.string().optional() });

/** The entry that an event makes, or what is wrong with the event's data. */
export function activityOf({
  id,
  type,
  data,
  occurredAt,
}: DomainEvent):
  | { readonly ok: true; readonly value: WorkspaceActivity }
  | { readonly ok: false; readonly problem: string } {
  const read = shownData.safeParse(data);
  if (!read.success) return { ok: false, problem: z.prettifyError(read.error) };
  const { workspaceId, email = null } = read.data;
  return { ok: true, value: { id, workspaceId, type, email, occurredAt } };
}
