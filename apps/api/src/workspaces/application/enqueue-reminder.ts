import type { EventSubscriber } from "#/kernel/events.ts";
import type { Logger } from "#/kernel/logger.ts";
import { isInviteCreated, reminderDue } from "../domain/workspace-invite.ts";

/** Has every new invite's reminder sent later. An invite without one is worth having too. */
export function enqueueReminder(queue: OrbitJobs.Core["queue"], log: Logger): EventSubscriber {
  return async (event) => {
    if (!isInviteCreated(event)) return;
    const { inviteId, createdAt } = event;
    await queue
      .enqueue(
        "workspaces.invites.send-reminder",
        { inviteId },
        { runAt: reminderDue(createdAt), jobKey: inviteId },
      )
      .catch((err: unknown) => log.warn({ err, inviteId }, "the invite has no reminder"));
  };
}
